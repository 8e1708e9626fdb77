// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import type { PatternKind } from './patterns.ts'

/** A secret in the text that carries it; `secret` is what must not be left of it. */
export interface PlantedSecret {
  readonly kind: PatternKind
  readonly secret: string
  readonly carrier: string
}

function planted(kind: PatternKind, secret: string, carrier = '§'): PlantedSecret {
  return { kind, secret, carrier: carrier.replace('§', () => secret) }
}

// Put together at run time: a scanner of repositories would take them for leaked keys.
const key = (prefix: string, length: number, alphabet = 'aB3dE5fG7h'): string =>
  prefix + alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length)
const HEX = '0a1b2c3d4e5f6789'
const UPPER = 'A1B2C3D4E5F6G7H8'
const base64 = (text: string): string => Buffer.from(text).toString('base64url')
const JWT = `${base64('{"alg":"HS256","typ":"JWT"}')}.${base64('{"sub":"u-17"}')}.${key('', 43)}`
const PEM_BODY = key('MIIEvQIBADANBgkq', 200)

/** One and more of every kind that the built-in patterns know. */
export const PLANTED_SECRETS: readonly PlantedSecret[] = [
  planted('email', 'ann.lee+test@mail.example.co.uk'),
  planted('email', "o'neil_99@example.org"),
  planted('email', 'müller@beispiel.example'),
  planted('email', 'ann%40example.com'),
  planted('email', '"ann lee"@example.com'),
  planted('phone', '(555) 123-4567'),
  planted('phone', '555-123-4567'),
  planted('phone', '555.123.4567'),
  planted('phone', '+1 555 123 4567'),
  planted('phone', '+44 20 7946 0958'),
  planted('phone', '+49 (0)30 901820'),
  planted('phone', '+4915112345678'),
  planted('phone', '+33 1 23 45 67 89'),
  planted('phone', '0044 20 7946 0958'),
  planted('phone', '555-0143', 'phone: §'),
  planted('phone', '020 7946 0958', 'mobile number §'),
  planted('card', '4111111111111111'),
  planted('card', '4111 1111 1111 1111'),
  planted('card', '5500-0000-0000-0004'),
  planted('card', '378282246310005'),
  planted('card', '3782 822463 10005'),
  planted('card', '6011000990139424'),
  planted('card', '3530111333300000'),
  planted('card', '30569309025904'),
  planted('card', '2223003122003222'),
  planted('card', '6200000000000005'),
  planted('card', '4567 1234 5678 6789', 'paid with Visa card §'),
  planted('ssn', '123-45-6789'),
  planted('ssn', '219 09 9999'),
  planted('ssn', '987-65-4321', 'Social Security Number is §'),
  planted('ssn', '219099999', 'SSN §'),
  planted('iban', 'DE89370400440532013000'),
  planted('iban', 'GB29 NWBK 6016 1331 9268 19'),
  planted('iban', 'FR14-2004-1010-0505-0001-3M02-606'),
  planted('iban', 'NO9386011117947'),
  planted('private_key', PEM_BODY, `-----BEGIN PRIVATE KEY-----\n§\n-----END PRIVATE KEY-----`),
  planted('private_key', PEM_BODY, `-----BEGIN RSA PRIVATE KEY-----\\n§`),
  planted('private_key', PEM_BODY, `-----BEGIN OPENSSH PRIVATE KEY-----\n§`),
  planted('jwt', JWT),
  planted('authorization', key('', 24), 'Bearer §'),
  planted('authorization', 'YW5uOmh1bnRlcjI=', 'Basic §'),
  planted('authorization', 'x7-opaque', 'Authorization: Bearer §'),
  planted('authorization', 'sid=99; theme=dark', 'Cookie: §'),
  planted('secret', 'hunter2', 'password=§'),
  planted('secret', 'hunter2', '{"password":"§"}'),
  planted('secret', 'hunter2', '{\\"password\\":\\"§\\"}'),
  planted('secret', 'hunter2', 'DB_Password: §'),
  planted('secret', 'hun,ter;2&x', 'apiKey=§'),
  planted('secret', 'hunter2', 'Server=db;Uid=sa;Pwd=§;Encrypt=yes'),
  planted('secret', 'hunter2', '%22password%22%3A%22§%22'),
  planted('secret', 'hunter2', 'mysql --user ann --password §'),
  planted('secret', 'hunter2', "the password is '§'"),
  planted('secret', 'hunter2', 'my password is §'),
  planted('secret', 'Zx9-4', 'API key: §'),
  planted('secret', '321', 'CVV §'),
  planted('secret', '1234 5678 90', 'Account number: §'),
  planted('secret', 'https://x.example/?r=1', 'client_secret = "§"'),
  planted('secret', key('', 24), 'https://api.example.com/v1?x=1&sig=§'),
  planted('secret', key('', 32, HEX), 'the token §'),
  planted('userinfo', 'ann:hunter2', 'postgres://§@db.example.com:5432/app'),
  planted('userinfo', key('', 20), 'https://§@git.example.com/x'),
  planted('api_key', key('AKIA', 16, UPPER)),
  planted('api_key', key('ghp_', 36)),
  planted('api_key', key('github_pat_', 40)),
  planted('api_key', key('glpat-', 20)),
  planted('api_key', key('xoxb-123456789012-', 24)),
  planted('api_key', key('sk_live_', 24)),
  planted('api_key', key('whsec_', 32)),
  planted('api_key', key('AIza', 35)),
  planted('api_key', key('sk-', 48)),
  planted('api_key', key('sk-proj-', 60)),
  planted('api_key', key('sk-ant-api03-', 80)),
  planted('api_key', key('npm_', 36)),
  planted('api_key', key('hf_', 34)),
  planted('api_key', key('pypi-AgEIcHlwaS5vcmc', 60)),
  planted('api_key', key('dapi', 32, HEX)),
  planted('api_key', `SG.${key('', 22)}.${key('', 43)}`),
  planted('api_key', `123456789:${key('AA', 33)}`),
  planted('api_key', key('', 24), 'https://hooks.slack.com/services/T000/B000/§'),
  planted('api_key', key('gsk_', 52)),
  planted('api_key', key('lsv2_pt_', 40, HEX)),
]
