// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { describe, expect, it } from 'vitest'

import { isSecretKey, secretKeyTest, splitName } from './key-names.ts'

const SECRET = [
  // the seven keys of the source documents
  ...['password', 'api_key', 'token', 'secret', 'credit_card', 'ssn', 'private_key'],
  ...['authorization', 'Authorization', 'DB_Password', 'apiKey', 'APIKey', 'APIKEY', 'api-key'],
  ...['user_password', 'userPassword', 'passwordHash', 'PASSWORDhash', 'dbpassword', 'password1'],
  ...['x-api-key', 'X-Auth-Token', 'set-cookie', 'Cookie', 'Proxy-Authorization', 'auth'],
  ...['access_token', 'refreshToken', 'id.token', 'oauth2Token', 'csrf-token', 'bearer', 'jwt'],
  ...['clientSecret', 'client_secret', 'secrets', 'credentials', 'aws_secret_access_key'],
  ...[
    'AWS_ACCESS_KEY_ID',
    'accountKey',
    'ssh_key',
    'signing-key',
    'encryptionKey',
    'connectionString',
  ],
  ...['passwd', 'pwd', 'passphrase', 'pass', 'db_pass', 'pin', 'pinCode', 'cvv', 'cvv2', 'otp'],
  ...['creditCardNumber', 'card number', 'social_security_number', 'tax_id', 'passport_number'],
  ...['account_number', 'iban', 'JSESSIONID', 'connect.sid', 'seed phrase', 'recovery_codes'],
  ...['Passwort', 'contraseña', 'motDePasse', 'config.db.password', 'headers[x-api-key]'],
]
const HARMLESS = [
  ...['token_count', 'max_tokens', 'maxTokens', 'tokens', 'tokenizer', 'token_usage', 'tokenType'],
  ...[
    'input_tokens',
    'next_page_token',
    'eos_token',
    'max_token',
    'secretary',
    'passenger',
    'bypass',
  ],
  ...[
    'passengers',
    'compass',
    'pass_rate',
    'boarding_pass',
    'authorized_by',
    'author',
    'authority',
  ],
  ...[
    'authorization_method',
    'auth_method',
    'auth_type',
    'authentication',
    'key',
    'keys',
    'keyboard',
  ],
  ...['primary_key', 'foreign_key', 'public_key', 'sort_key', 'monkey', 'card', 'cards', 'discard'],
  ...['password_policy', 'password_length', 'secret_name', 'token_expires_at', 'cookie_consent'],
  ...['pinned', 'shipping', 'spin', 'opinion', 'mapping', 'session_id', 'user', 'name', 'id', ''],
  ...[
    'account',
    'accounts',
    'account_id',
    'sincerely',
    'assassin',
    'classname',
    'code',
    'country_code',
  ],
  ...['credit_card_type', 'card_brand', 'token_url', 'top_api_keywords'],
]

describe('isSecretKey', () => {
  it.each(SECRET)('hits %s', (name) => {
    expect(isSecretKey(name)).toBe(true)
  })

  it.each(HARMLESS)('leaves %s alone', (name) => {
    expect(isSecretKey(name)).toBe(false)
  })

  it('judges by case only where case parts words', () => {
    expect(splitName('DB_Password2')).toEqual(['db', 'password'])
    expect(splitName('XMLHttpToken')).toEqual(['xml', 'http', 'token'])
    expect(splitName('x-api-key')).toEqual(['x', 'api', 'key'])
    expect(isSecretKey('USERPASSWORD')).toBe(true)
    expect(isSecretKey('ｐａｓｓｗｏｒｄ')).toBe(true)
  })

  it('looks at both ends of an endless name', () => {
    expect(isSecretKey(`password_${'x'.repeat(100_000)}`)).toBe(true)
    expect(isSecretKey(`${'x_'.repeat(100_000)}password`)).toBe(true)
  })

  it('takes words and names of the user as well', () => {
    const test = secretKeyTest({ words: ['badge', 'employee number'], names: ['X7'] })
    expect(['badgeId', 'employee_number', 'x7', 'EmployeeNumber', 'password'].every(test)).toBe(
      true,
    )
    expect(['number', 'employee', 'x77', 'badger'].some(test)).toBe(false)
  })

  it('answers the same when its memory has been filled', () => {
    for (let i = 0; i < 10_000; i++) isSecretKey(`name${i}`)
    expect(isSecretKey('apiKey')).toBe(true)
    expect(isSecretKey('tokens')).toBe(false)
  })
})
