// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The words behind `isSecretKey`. All are lower case; compounds are words in a row. Plural `tokens`
 * is left out on purpose: language models count with it.
 */

function list(text: string): readonly string[] {
  return text.split(/\s*\|\s*|\n/).map((word) => word.trim())
}

/** Secret wherever they stand in a name. */
export const SECRET_WORDS: ReadonlySet<string> = new Set(
  list(
    `password|passwords|passwd|pwd|passphrase|passcode|secret|secrets|credential|credentials|creds
     apikey|apikeys|authorization|bearer|jwt|ssn|cvv|cvc|csc|otp|totp|mnemonic|csrf|xsrf
     phpsessid|jsessionid|sessid|sessionid|dsn|iban|creditcard|cardnumber|ccnum
     passwort|kennwort|contraseña|contrasena|senha|motdepasse|wachtwoord|hasło|haslo`,
  ),
)

/** Secret as words in a row. `key` alone is not: half of all data has a key. */
export const SECRET_COMPOUNDS: ReadonlySet<string> = new Set([
  ...list(
    `api|access|secret|private|signing|signature|encryption|decryption|master|service|account
     storage|shared|ssh|auth|license|licence|subscription|functions|function|session|client|deploy
     pgp|gpg|hmac|symmetric|app|application|admin|root|consumer|webhook|wrapping|ssl|tls|host`,
  ).flatMap((owner) => [`${owner} key`, `${owner} keys`]),
  ...list(
    `pass word|pass phrase|pass code|pass wd|credit card|credit cards|debit card|card number
     card no|card num|cc number|cc num|card pin|security code|verification code|recovery code
     recovery codes|recovery phrase|seed phrase|backup code|backup codes|one time code|mfa code
     fa code|social security|tax id|national id|passport number|passport no|bank account
     account number|routing number|license number|connection string|conn str|connect sid
     session cookie|set cookie|mot de passe`,
  ),
])

/** A name that ends so speaks about a secret and does not hold it. */
export const HARMLESS_TAILS: ReadonlySet<string> = new Set(
  list(
    `count|counts|limit|limits|budget|usage|type|types|length|size|policy|method|methods|mode
     provider|scheme|status|state|expiry|expires|expired|expiration|ttl|age|enabled|required
     valid|present|name|arn|version|url|uri|endpoint|path|file|field|label|strength|score|manager
     at|by|date|time|rate|price|cost|estimate|remaining|used|index|ratio|window|brand|last`,
  ),
)

/** Words before `token` that make it a unit of text or a cursor. */
export const HARMLESS_TOKENS: ReadonlySet<string> = new Set(
  list(
    `max|min|num|n|per|total|avg|mean|input|output|prompt|completion|next|page|pagination
     continuation|cursor|stop|eos|bos|pad|unk|start|end|special|first|last`,
  ),
)

export const AUTH_FOLLOWERS: ReadonlySet<string> = new Set(
  list('header|headers|data|string|cookie|code|value|blob|payload|info'),
)

export const PIN_FOLLOWERS: ReadonlySet<string> = new Set(list('code|number|no|block|value|hash'))

export const PASS_OWNERS: ReadonlySet<string> = new Set(
  list(
    `user|db|database|smtp|mail|email|ftp|sftp|ssh|root|admin|redis|mysql|pg|postgres|mongo|auth
     login|http|proxy|my|app|client|basic|service|account|key|keystore|truststore|cert|ssl|tls|wifi`,
  ),
)

/** Found inside one run-together word as well; no English word contains one. */
export const CONTAINED: readonly string[] = list(
  `password|passwd|passphrase|apikey|privatekey|secretkey|accesskey|accesstoken|authtoken
   refreshtoken|bearertoken|sessiontoken|clientsecret|creditcard|setcookie`,
)
