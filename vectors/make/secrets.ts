// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { seedOf } from './keys.ts'
import { jsonFile } from './text-files.ts'
import type { Files } from './text-files.ts'

const DIGITS = '0123456789'
const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()

/** Characters that look drawn at random and are the same at every run. */
function drawn(words: string, length: number, alphabet: string = UPPER + LOWER + DIGITS): string {
  let bytes = Buffer.alloc(0)
  for (let i = 0; bytes.length < length; i++) {
    bytes = Buffer.concat([bytes, Buffer.from(seedOf(`secret ${words} ${i}`), 'hex')])
  }
  return Array.from(bytes.subarray(0, length), (byte) => alphabet[byte % alphabet.length]).join('')
}

function jwt(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = part({ alg: 'HS256', typ: 'JWT' })
  return `${head}.${part({ sub: 'canary', iat: 1700000000 })}.${drawn('jwt', 43)}`
}

function pem(label: string): string {
  const body = drawn(`pem ${label}`, 256).replace(/.{64}/g, '$&\n')
  return `-----BEGIN ${label}-----\n${body}-----END ${label}-----`
}

/**
 * `find` is what must be nowhere; `text` is how it comes along. Keys are put together from parts, so
 * that scanners of repositories do not take this file for a leak.
 */
function secrets(): readonly { kind: string; find: string; text?: string }[] {
  return [
    { kind: 'api key, OpenAI', find: `sk-${'proj'}-${drawn('openai', 48)}` },
    { kind: 'api key, Anthropic', find: `sk-${'ant'}-api03-${drawn('anthropic', 80)}-AA` },
    { kind: 'access key id, AWS', find: `${'AK'}IA${drawn('aws', 16, UPPER + '234567')}` },
    { kind: 'secret access key, AWS', find: drawn('aws secret', 40), text: 'aws_secret_access_key = %' },
    { kind: 'api key, Google', find: `AI${'za'}${drawn('google', 35)}` },
    { kind: 'token, GitHub', find: `gh${'p'}_${drawn('github', 36)}` },
    { kind: 'fine-grained token, GitHub', find: `github_${'pat'}_${drawn('github pat', 22)}_${drawn('github pat 2', 59)}` },
    { kind: 'token, GitLab', find: `gl${'pat'}-${drawn('gitlab', 20)}` },
    { kind: 'token, Slack', find: `xo${'xb'}-${drawn('slack a', 12, DIGITS)}-${drawn('slack b', 12, DIGITS)}-${drawn('slack c', 24)}` },
    { kind: 'webhook, Slack', find: `https://hooks.slack.example/services/T${drawn('hook a', 8, UPPER)}/B${drawn('hook b', 8, UPPER)}/${drawn('hook c', 24)}` },
    { kind: 'secret key, Stripe', find: `sk_${'live'}_${drawn('stripe', 24)}` },
    { kind: 'api key, SendGrid', find: `SG.${drawn('sendgrid a', 22)}.${drawn('sendgrid b', 43)}` },
    { kind: 'token, npm', find: `npm_${drawn('npm', 36)}` },
    { kind: 'token, Hugging Face', find: `hf_${drawn('huggingface', 34, UPPER + LOWER)}` },
    { kind: 'private key, PEM', find: pem(`${'PRIVATE'} KEY`) },
    { kind: 'RSA private key, PEM', find: pem(`RSA ${'PRIVATE'} KEY`) },
    { kind: 'JSON Web Token', find: jwt() },
    { kind: 'bearer token', find: drawn('bearer', 40), text: 'Authorization: Bearer %' },
    { kind: 'basic credentials', find: Buffer.from(`canary:${drawn('basic', 12)}`).toString('base64'), text: 'Authorization: Basic %' },
    { kind: 'cookie', find: drawn('cookie', 32), text: 'Cookie: session=%; theme=dark' },
    { kind: 'password in a URL', find: drawn('url password', 16), text: 'https://canary:%@host.example/path' },
    { kind: 'connection string, PostgreSQL', find: drawn('postgres', 18), text: 'postgres://app:%@db.example:5432/orders' },
    { kind: 'connection string, MongoDB', find: drawn('mongo', 18), text: 'mongodb+srv://app:%@cluster0.example.net/?retryWrites=true' },
    { kind: 'connection string, key and value', find: drawn('ado', 18), text: 'Server=db.example;User Id=app;Password=%;' },
    { kind: 'account key', find: `${drawn('azure', 86)}==`, text: 'DefaultEndpointsProtocol=https;AccountName=canary;AccountKey=%;EndpointSuffix=core.example' },
    { kind: 'password by its name', find: drawn('password', 14), text: '{"password":"%"}' },
    { kind: 'token in a query', find: drawn('query', 24), text: 'https://host.example/callback?access_token=%&state=1' },
    { kind: 'card number, Visa', find: '4111 1111 1111 1111' },
    { kind: 'card number, Visa, no spaces', find: '4012888888881881' },
    { kind: 'card number, Mastercard', find: '5555-5555-5555-4444' },
    { kind: 'card number, American Express', find: '3782 822463 10005' },
    { kind: 'card number, Discover', find: '6011111111111117' },
    { kind: 'bank account, IBAN', find: 'DE89 3704 0044 0532 0130 00' },
    { kind: 'e-mail address', find: 'canary.person@mail.example' },
    { kind: 'e-mail address with a tag', find: 'Canary.Person+orders@sub.mail.example.org' },
    { kind: 'phone number, North America', find: '(555) 010-0199' },
    { kind: 'phone number, spaces', find: '555 010 0142' },
    { kind: 'phone number, international', find: '+44 20 7946 0958' },
    { kind: 'social security number', find: '078-05-1120' },
    { kind: 'date of birth', find: '1979-02-28', text: '{"date_of_birth":"%"}' },
    { kind: 'street address', find: '742 Canary Terrace, Springfield', text: '{"address":"%"}' },
    { kind: 'name of a person', find: 'Jane Q. Canaryperson', text: '{"patient_name":"%"}' },
    { kind: 'IPv4 address', find: '203.0.113.77', text: '{"client_ip":"%"}' },
    { kind: 'IPv6 address', find: '2001:db8:85a3::8a2e:370:7334', text: '{"client_ip":"%"}' },
    { kind: 'plain sentence', find: 'The canary sang at midnight behind the blue door' },
  ]
}

/** `secrets.json`: planted secrets, none of which opens anything. */
export function secretVectors(): Files {
  return new Map([
    jsonFile('secrets.json', {
      about:
        'Planted secrets for tests: text is what a tool is given or gives back, find is what must be ' +
        'in no record, span, message or console line. All are made up; numbers are those that issuers ' +
        'publish for tests, domains and addresses those reserved for examples.',
      secrets: secrets().map(({ kind, find, text = '%' }) => ({ kind, find, text: text.replace('%', () => find) })),
    }),
  ])
}
