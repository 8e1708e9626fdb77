// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** What attacks through a tool's input look like, in lower case. */
export type AttackFlag =
  | 'binary'
  | 'encoded_blob'
  | 'hidden_text'
  | 'metadata_address'
  | 'path_traversal'
  | 'prompt_injection'
  | 'script_injection'
  | 'shell_injection'
  | 'sql_injection'
  | 'template_injection'

interface Rule {
  readonly flag: AttackFlag
  /** The pattern is tried only where one of these stands in the text; rare characters are cheap. */
  readonly anchors?: readonly string[]
  /** Or only where {@link WORDS} found a word of this group. */
  readonly words?: 'prompt' | 'sql'
  /** On the text in lower case. Every repetition is bounded. */
  readonly pattern: RegExp
}

/** One of these words is in everything that the rules by words look for. One pass for all of them. */
const WORDS =
  /\b(?:(?<prompt>ignor|disregard|forget|overrid|bypass|skip\s|instruct|system|developer|(?:god|dan|jailbreak)\s|you\s{1,4}are\s{1,4}now|do\s{1,4}not|don't|without\s)|(?<sql>(?:union|drop|delete|insert|update|alter|create|truncate|exec|grant)\s|shutdown|pg_sleep|sleep\(|benchmark|waitfor|xp_cmd|load_file|extractvalue|updatexml|outfile|dumpfile))/g

const RULES: readonly Rule[] = [
  {
    flag: 'sql_injection',
    anchors: ['=', '--', "'#", "' like", '/*'],
    pattern: new RegExp(
      [
        // tautologies behind a quote: ' or '1'='1, " or 1=1
        `['"]\\s{0,4}\\)?\\s{0,4}(?:or|and)\\s{1,4}(?:not\\s{1,4})?['"]?(\\w{1,16})['"]?\\s{0,4}(?:=|like|<>)\\s{0,4}['"]?\\1`,
        `\\b(?:or|and)\\s{1,4}(\\d{1,4})\\s{0,4}=\\s{0,4}\\2\\s{0,4}(?:--|#|/\\*|;|$)`,
        // comments behind a quote
        `['"] {0,4}\\)? {0,4}(?:--|#) {0,4}(?:$|\\n)`,
        `/\\*!?\\d{0,5}\\s{0,2}union|union\\s{0,2}/\\*`,
      ].join('|'),
    ),
  },
  {
    flag: 'sql_injection',
    words: 'sql',
    pattern: new RegExp(
      [
        `['")\\d] {0,4};\\s{0,4}(?:drop\\s{1,4}\\w|delete\\s{1,4}from\\s|insert\\s{1,4}into\\s|update\\s{1,4}\\w{1,64}\\s{1,4}set\\s|alter\\s{1,4}\\w|create\\s{1,4}(?:table|user|role)\\s|truncate\\s|exec\\s|shutdown\\b|grant\\s{1,4}\\w)`,
        `;\\s{0,4}(?:drop|truncate|alter)\\s{1,4}(?:table|database|schema|user)\\s`,
        `['"\\d)]\\s{1,4}union\\s{1,4}(?:all\\s{1,4})?select\\s`,
        `\\b(?:pg_sleep|benchmark|xp_cmdshell|load_file|extractvalue|updatexml)\\s{0,4}[('"]`,
        `\\bwaitfor\\s{1,4}delay\\s`,
        `\\bsleep\\(\\d{1,4}\\)\\s{0,4}(?:--|#|and|or|=)`,
        `\\binto\\s{1,4}(?:out|dump)file\\s{1,4}['"]`,
      ].join('|'),
    ),
  },
  {
    flag: 'shell_injection',
    anchors: [';', '|', '&', '$(', '`', '/etc/', '/dev/', '${ifs}'],
    pattern: new RegExp(
      [
        `(?:;|\\|\\|?|&&?)\\s{0,4}(?:sudo\\s{1,4})?(?:rm\\s{1,4}-[a-z]{1,4}|curl\\s|wget\\s|nc\\s|ncat\\s|bash\\s{1,4}-|sh\\s{1,4}-|chmod\\s|chown\\s|cat\\s{1,4}/|id(?:\\s|;|$)|whoami|uname\\s{1,4}-|base64\\s{1,4}-d|python3?\\s{1,4}-c|perl\\s{1,4}-e|mkfifo\\s|dd\\s{1,4}if=|kill\\s{1,4}-9|shutdown\\s{1,4}-|reboot(?:\\s|;|$))`,
        `\\|\\s{0,4}(?:ba|z|da)?sh(?:\\s|$|;|["'])`,
        `\\$\\(\\s{0,4}(?:curl|wget|cat|id|whoami|ls|rm|nc|bash|sh|python3?|echo|printenv|env|uname|sleep)\\b`,
        '`\\s{0,4}(?:curl|wget|cat|rm|nc|bash|sh|python3?|uname|sleep)\\s{1,4}[-/.$~\\w][^`\\n]{0,120}`',
        `/dev/(?:tcp|udp)/`,
        `/etc/(?:passwd|shadow|sudoers)\\b`,
        `\\$\\{ifs\\}`,
        `:\\(\\)\\s{0,2}\\{\\s{0,2}:\\|:&`,
      ].join('|'),
    ),
  },
  {
    flag: 'prompt_injection',
    words: 'prompt',
    pattern: new RegExp(
      [
        `\\b(?:ignore|disregard|forget|override|bypass|skip)\\s{1,4}(?:(?:all|any|every|everything|the|your|my|of|these|those|what)\\s{1,4}){0,4}(?:previous|prior|above|earlier|preceding|former|existing|original|initial|system|safety)\\s{1,4}(?:\\w{1,16}\\s{1,4}){0,2}(?:instructions?|prompts?|rules?|directions?|messages?|context|guidelines?|commands?|polic(?:y|ies)|constraints?)`,
        `\\b(?:ignore|disregard|forget|override)\\s{1,4}(?:all\\s{1,4})?(?:of\\s{1,4})?(?:your|the|my)\\s{1,4}(?:instructions|rules|guidelines|programming|training|constraints)`,
        `\\b(?:ignore|disregard|forget)\\s{1,4}(?:everything|anything|what|all)\\s{1,4}(?:that\\s{1,4})?(?:above|before|i\\s|you\\s{1,4}(?:were|have|know|learned))`,
        `\\b(?:reveal|print|repeat|show|output|leak|disclose|tell me)\\s{1,4}(?:me\\s{1,4})?(?:your|the)\\s{1,4}(?:hidden\\s{1,4}|secret\\s{1,4}|full\\s{1,4}|original\\s{1,4}|initial\\s{1,4})?(?:system\\s{1,4}(?:prompt|message|instructions)|instructions\\s{1,4}(?:above|verbatim))`,
        `\\byou\\s{1,4}are\\s{1,4}now\\s{1,4}(?:in\\s{1,4})?(?:dan\\b|developer\\s{1,4}mode|jailbroken|unrestricted|an?\\s{1,4}(?:unrestricted|evil|unfiltered))`,
        `\\b(?:enable|enter|activate)\\s{1,4}(?:developer|god|dan|jailbreak)\\s{1,4}mode`,
        `(?:^|\\n)\\s{0,8}(?:#{1,6}\\s{0,4})?(?:new|updated|real|important)\\s{1,4}(?:system\\s{1,4})?instructions?\\s{0,4}:`,
        `(?:^|\\n)\\s{0,8}(?:#{1,6}\\s{0,4}|<)system(?:\\s{1,4}(?:prompt|override|message))?\\s{0,4}(?::|>)`,
        `\\b(?:do\\s{1,4}not|don't|without)\\s{1,4}(?:tell(?:ing)?|inform(?:ing)?|alert(?:ing)?|notify(?:ing)?|mention(?:ing)?(?:\\s{1,4}this\\s{1,4}to)?)\\s{1,4}(?:the|your)\\s{1,4}(?:user|human|operator|owner)`,
      ].join('|'),
    ),
  },
  {
    flag: 'prompt_injection',
    anchors: ['<|', '[inst]', '[/inst]', '<<sys>>'],
    pattern:
      /<\|(?:im_start|im_end|system|user|assistant|endoftext|begin_of_text|start_header_id|eot_id)\|>|\[\/?inst\]|<<sys>>/,
  },
  {
    flag: 'path_traversal',
    anchors: ['..', '%2e', '%252e', '%c0%ae'],
    pattern:
      /(?:\.\.[/\\]){2,64}|(?:%2e%2e|\.\.|%252e%252e)(?:%2f|%5c|%252f)|(?:%2e%2e)[/\\]|\.\.[/\\](?:etc|windows|proc|root|var)[/\\]|%c0%ae/,
  },
  {
    flag: 'script_injection',
    anchors: ['<', 'javascript:', 'data:text/html'],
    pattern:
      /<script[\s>/]|javascript:\s{0,4}[a-z(\\%]|<[a-z]{1,16}\s[^<>]{0,200}\bon(?:error|load|click|mouseover|focus)\s{0,4}=|<iframe\s|data:text\/html[;,]/,
  },
  {
    flag: 'template_injection',
    anchors: ['{{', '<%', '#{', '${'],
    pattern:
      /\$\{jndi:|\{\{\s{0,4}(?:\d{1,6}\s{0,4}[*+]\s{0,4}\d{1,6}|[^{}\n]{0,64}(?:__class__|__globals__|__import__|constructor\b|self\.|config\.|request\.application))|<%=?\s{0,4}(?:system|exec|`|\d{1,6}\s{0,4}\*)|[#$]\{\s{0,4}(?:\d{1,6}\s{0,4}\*\s{0,4}\d{1,6}|t\(java|new java|runtime|process\.)/,
  },
  {
    flag: 'metadata_address',
    anchors: ['169.254.169.254', 'metadata.google.internal', 'fd00:ec2::254', '100.100.100.200'],
    pattern: /169\.254\.169\.254|metadata\.google\.internal|fd00:ec2::254|100\.100\.100\.200/,
  },
]

/** Runs of base64 this long carry a file rather than a word. */
const BLOB_CHARS_MIN = 512
// Control characters that texts do not have, and what marks that Unicode hides or replaces with.
const ODD =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f\u200b\u202a-\u202e\u2060\u2066-\u2069\udb40\ufeff\ufffd]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: texts have tab, line feed, return, no others
const BINARY = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f\ufffd]/
// Tags (invisible ASCII), zero-width characters in a row, and marks that turn the writing direction.
const HIDDEN = /[\u{e0020}-\u{e007e}]{2}|[\u200b\u2060\ufeff]{3}|[\u202a-\u202e\u2066-\u2069]/u

/** What a text looks like; each flag at most once. Time grows with the length and not faster. */
export function attackFlags(text: string): ReadonlySet<AttackFlag> {
  const flags = new Set<AttackFlag>()
  const lower = text.toLowerCase()
  const words = wordsIn(lower)
  for (const rule of RULES) {
    if (!flags.has(rule.flag) && applies(rule, lower, words) && rule.pattern.test(lower)) {
      flags.add(rule.flag)
    }
  }
  if (ODD.test(text)) {
    if (BINARY.test(text)) flags.add('binary')
    if (HIDDEN.test(text)) flags.add('hidden_text')
  }
  if (text.length >= BLOB_CHARS_MIN && hasBlob(text)) flags.add('encoded_blob')
  return flags
}

interface Words {
  prompt: boolean
  sql: boolean
}

function applies(rule: Rule, lower: string, words: Words): boolean {
  if (rule.words !== undefined) return words[rule.words]
  return rule.anchors === undefined || rule.anchors.some((anchor) => lower.includes(anchor))
}

function wordsIn(lower: string): Words {
  const words: Words = { prompt: false, sql: false }
  WORDS.lastIndex = 0
  for (let found = WORDS.exec(lower); found !== null; found = WORDS.exec(lower)) {
    if (found.groups?.['prompt'] === undefined) words.sql = true
    else words.prompt = true
    if (words.prompt && words.sql) break
  }
  return words
}

/** Looks at one character in every 512 and only where base64 stands follows it both ways. */
function hasBlob(text: string): boolean {
  for (let at = BLOB_CHARS_MIN - 1; at < text.length; at += BLOB_CHARS_MIN) {
    let start = at
    while (start >= 0 && at - start < BLOB_CHARS_MIN && isBase64(text.charCodeAt(start))) start--
    let end = at
    while (end < text.length && end - start <= BLOB_CHARS_MIN && isBase64(text.charCodeAt(end)))
      end++
    const isLong = end - start - 1 >= BLOB_CHARS_MIN
    if (isLong && isMixed(text.slice(start + 1, end))) return true
  }
  return false
}

/** A ruled line and a path are long as well. */
function isMixed(run: string): boolean {
  return /[0-9]/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run)
}

function isBase64(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true
  if (code >= 0x41 && code <= 0x5a) return true
  return (code >= 0x2f && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x5f
}
