// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Words that say what follows them. Whether a text has any of a kind is asked once; only then is the
 * stretch before a candidate looked at.
 */

type Topic = 'card' | 'phone' | 'ssn' | 'code'

/** How far back a word may stand. */
const REACH_CHARS = 40

const ANYWHERE: Readonly<Record<Topic, RegExp>> = {
  card: /card|visa|amex|american express|discover|credit|debit/i,
  phone: /phone|mobile|cell|fax|whatsapp|sms|hotline|tel|reach|call|text/i,
  ssn: /ssn|social[ _-]?security/i,
  code: /cvv|cvc|csc|pin|code|otp/i,
}

const BEFORE: Readonly<Record<Topic, RegExp>> = {
  card: /\b(?:cards?|visa|master ?card|amex|american express|discover|credit|debit)\b/i,
  phone:
    /(?:^|[^a-z])(?:(?:tele)?phones?|mobile|cell(?:phone)?|fax|whatsapp|sms|hotline|tel|(?:reach|call|text)(?:ed)? (?:me|us|him|her|them) (?:at|on))(?![a-z])/i,
  ssn: /\bssn|social[ _-]?security/i,
  code: /\b(?:cvv2?|cvc2?|csc|pin|security[ _]code|passcode|otp)(?:\s(?:code|number|no\.?|is|was))?["'\s:=#]{1,4}$/i,
}

export class WordsBefore {
  readonly #text: string
  readonly #before: string
  readonly #anywhere = new Map<Topic, boolean>()

  /** @param before what stands in front of the text, such as the key that it is the value of */
  constructor(text: string, before: string) {
    this.#text = text
    this.#before = before
  }

  /** Whether the text has any word of the topic at all. */
  has(topic: Topic): boolean {
    let has = this.#anywhere.get(topic)
    if (has === undefined) {
      has = ANYWHERE[topic].test(this.#text) || ANYWHERE[topic].test(this.#before)
      this.#anywhere.set(topic, has)
    }
    return has
  }

  /** Whether a word of the topic stands shortly before `at`; what a redaction wrote does not count. */
  speakOf(topic: Topic, at: number): boolean {
    if (!this.has(topic)) return false
    const near = this.#text.slice(Math.max(0, at - REACH_CHARS), at)
    const reached = at < REACH_CHARS && this.#before !== '' ? `${this.#before} ${near}` : near
    return BEFORE[topic].test(reached.slice(reached.lastIndexOf(']') + 1))
  }
}
