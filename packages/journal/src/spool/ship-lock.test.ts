// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

import { linkSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aFolder, codeOf, filesIn } from '../journal.fixture.ts'
import { ownProcess } from '../liveness.ts'
import { lockOwner, restoreLock, restoreOwner, shipLock } from './ship-lock.ts'

const folderOf = (journal: string): string => join(journal, 'cursors', 'kafka')

/** Leaves a lock as another process would. */
function leave(journal: string, state: object, generation = 1): void {
  mkdirSync(folderOf(journal), { recursive: true })
  writeFileSync(join(folderOf(journal), `.lock-${generation}.json`), JSON.stringify(state))
}

test('one at a time has a lock, and the next gets it once it is given back', () => {
  const journal = aFolder()
  expect(lockOwner(journal, 'kafka', Date.now())).toBeUndefined()
  const first = shipLock(journal, 'kafka')
  expect(first.held).toBe(true)
  const second = shipLock(journal, 'kafka')
  expect(second).toMatchObject({
    held: false,
    owner: { pid: process.pid, host: ownProcess().host.slice(0, 8) },
  })
  second.release()
  expect(shipLock(journal, 'kafka').held).toBe(false)
  expect(shipLock(journal, 'other').held).toBe(true)
  first.release()
  first.release()
  expect(first.held).toBe(false)
  expect(lockOwner(journal, 'kafka', Date.now())).toBeUndefined()
  const third = shipLock(journal, 'kafka')
  expect(third.held).toBe(true)
  expect(filesIn(folderOf(journal))).toEqual(['.lock-2.json'])
  third.release()
})

test('a lock is stale when its process is gone, or its host silent', () => {
  const now = Date.now()
  const self = ownProcess()
  const states: [object, boolean][] = [
    [{ ...self, started: '1', beat: now }, true],
    [{ ...self, boot: 'another', beat: now }, true],
    [{ ...self, host: 'ab'.repeat(16), beat: now - 200_000 }, false],
    [{ ...self, host: 'ab'.repeat(16), beat: now - 400_000 }, true],
    [{ ...self, beat: now - 400_000 }, false],
    [{ ...self, beat: now, released: true }, true],
  ]
  for (const [state, isFree] of states) {
    const journal = aFolder()
    leave(journal, state)
    const lock = shipLock(journal, 'kafka', { now: () => now })
    expect(lock.held).toBe(isFree)
    lock.release()
  }
})

test('there is always a next lock, whatever names lie in the folder', () => {
  const names = ['999999999999999', '1000000000', '0', '01', '-1', '999999999', '999999998']
  for (const digits of names) {
    const journal = aFolder()
    mkdirSync(folderOf(journal), { recursive: true })
    const path = join(folderOf(journal), `.lock-${digits}.json`)
    const { pid, ...process } = ownProcess()
    for (const text of ['x', JSON.stringify({ ...process, pid, beat: 1, released: true })]) {
      writeFileSync(path, text)
      utimesSync(path, 1, 1)
      for (let i = 0; i < 3; i++) {
        const lock = shipLock(journal, 'kafka')
        expect(lock.held).toBe(true)
        expect(shipLock(journal, 'kafka')).toMatchObject({ held: false, owner: { pid } })
        lock.release()
      }
    }
  }
})

test('whoever restores locks no sink out, of whatever name, and is none', () => {
  const journal = aFolder()
  const restoring = restoreLock(journal)
  expect(restoring.held).toBe(true)
  expect(restoreLock(journal)).toMatchObject({ held: false, owner: { pid: process.pid } })
  expect(restoreOwner(journal, Date.now())).toMatchObject({ pid: process.pid })
  const ship = shipLock(journal, 'restore')
  expect(ship.held).toBe(true)
  restoring.release()
  expect(restoreOwner(journal, Date.now())).toBeUndefined()
  expect(lockOwner(journal, 'restore', Date.now())).toMatchObject({ pid: process.pid })
  ship.release()
})

test('a lock that is no lock holds nobody up for long', () => {
  for (const text of ['', '{}', 'null', '[1]', 'x'.repeat(10_000_000), '{"pid":"1"}']) {
    const journal = aFolder()
    mkdirSync(folderOf(journal), { recursive: true })
    writeFileSync(join(folderOf(journal), '.lock-3.json'), text)
    const later = Date.now() + 60_000
    expect(shipLock(journal, 'kafka').held).toBe(false)
    const lock = shipLock(journal, 'kafka', { now: () => later })
    expect(lock.held).toBe(true)
    lock.release()
    expect(filesIn(folderOf(journal))).toEqual(['.lock-4.json'])
  }
})

test('a holder that was thought gone notices that another one took over', async () => {
  const journal = aFolder()
  const first = shipLock(journal, 'kafka', { beatMillis: 5 })
  leave(journal, { ...ownProcess(), beat: Date.now() }, 2)
  await expect.poll(() => first.held, { timeout: 10_000 }).toBe(false)
  first.release()
  const path = join(folderOf(journal), '.lock-2.json')
  expect(readFileSync(path, 'utf8')).not.toContain('released')
})

test('the holder says that it lives', async () => {
  const journal = aFolder()
  let millis = 1_000
  const lock = shipLock(journal, 'kafka', { beatMillis: 5, now: () => millis })
  millis = 2_000
  const path = join(folderOf(journal), '.lock-1.json')
  await expect.poll(() => readFileSync(path, 'utf8'), { timeout: 10_000 }).toContain('2000')
  lock.release()
})

test('a generation made behind the back of its holder is no lock', () => {
  const journal = aFolder()
  leave(journal, { ...ownProcess(), beat: Date.now() }, 7)
  linkSync(join(folderOf(journal), '.lock-7.json'), join(folderOf(journal), '.lock-2.json'))
  expect(shipLock(journal, 'kafka')).toMatchObject({ held: false, owner: { pid: process.pid } })
})

test('names that name no sink are refused, and a journal that cannot be written to', () => {
  const journal = aFolder()
  for (const name of ['', '..', 'A', 'a/b']) {
    expect(codeOf(() => shipLock(journal, name))).toBe('INVALID_OPTION')
  }
  writeFileSync(join(journal, 'file'), '')
  expect(codeOf(() => shipLock(join(journal, 'file'), 'kafka'))).toBe('JOURNAL_UNUSABLE')
})
