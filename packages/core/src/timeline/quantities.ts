// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

/** Quantities as a person reads them, at most eight columns wide. */

const MICRO = 1_000n
const MILLI = 1_000_000n
const SECOND = 1_000_000_000n
const MINUTE = 60n * SECOND
const HOUR = 60n * MINUTE
const DAY = 24n * HOUR

/** `412 ns`, `3.2 ms`, `1.25 s`, `2m 05s`, `1h 03m`, `3d 04h`; cut, never rounded up. */
export function formatDuration(nanos: bigint): string {
  if (nanos < 0n) return `-${formatDuration(-nanos)}`
  if (nanos < MICRO) return `${nanos} ns`
  if (nanos < MILLI) return `${decimal(nanos, MICRO)} µs`
  if (nanos < SECOND) return `${decimal(nanos, MILLI)} ms`
  if (nanos < MINUTE) return `${decimal(nanos, SECOND)} s`
  if (nanos < HOUR) return `${nanos / MINUTE}m ${two((nanos % MINUTE) / SECOND)}s`
  if (nanos < DAY) return `${nanos / HOUR}h ${two((nanos % HOUR) / MINUTE)}m`
  return `${nanos / DAY}d ${two((nanos % DAY) / HOUR)}h`
}

/** Three digits at most, without zeros that say nothing. */
function decimal(value: bigint, unit: bigint): string {
  const whole = value / unit
  if (whole >= 100n) return `${whole}`
  const digits = whole >= 10n ? 1 : 2
  const part = ((value % unit) * 10n ** BigInt(digits)) / unit
  return `${whole}.${part.toString().padStart(digits, '0')}`.replace(/\.?0+$/, '')
}

function two(value: bigint): string {
  return value.toString().padStart(2, '0')
}

/** {@link formatDuration} of milliseconds, for instance the distance of two times. */
export function formatMillis(millis: number): string {
  return millis === 0 ? '0 ms' : formatDuration(BigInt(Math.round(millis)) * MILLI)
}

/** `312 B`, `1.4 kB`, `12 MB`, in powers of 1,000. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(Math.floor(Math.log10(bytes) / 3), units.length)
  const value = bytes / 1_000 ** power
  return `${value < 10 ? value.toFixed(1) : Math.floor(value)} ${units[power - 1]}`
}

/**
 * The size of committed content as records tell it: exact from 256 bytes up, below that the next
 * power of two.
 */
export function formatSizeClass(bytes: number): string {
  return bytes < 256 ? `≤ ${bytes} B` : formatBytes(bytes)
}

/** `1 record`, `2 records`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
