// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What a record's line may be (spec/canonical.md).
const (
	lineBytesMax  = 65535
	lineLevelsMax = 16
)

// An object of canonical JSON. Other values are string, number, bool, []any and nil.
type object map[string]any

// A number as it is written; canonical forms are equal where the values are.
type number string

// A reader of canonical JSON: takes a text only if it is the RFC 8785 form of its value. Instead of
// writing the value again and comparing, it refuses each byte that a writer would not have put there.
type canonicalReader struct {
	text   string
	at     int
	levels int
}

var errEnd = errors.New("ends too early")

// readCanonical returns the value of a canonical text nested at most levels deep.
func readCanonical(text string, levels int) (any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("is no UTF-8")
	}
	reader := &canonicalReader{text: text, levels: levels}
	value, err := reader.value(0)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", reader.at, err)
	}
	if reader.at != len(text) {
		return nil, fmt.Errorf("byte %d: something follows the value", reader.at)
	}
	return value, nil
}

// readLine returns a record's line as an object.
func readLine(line []byte) (object, error) {
	if len(line) > lineBytesMax {
		return nil, fmt.Errorf("has %d bytes, more than %d", len(line), lineBytesMax)
	}
	value, err := readCanonical(string(line), lineLevelsMax)
	if err != nil {
		return nil, err
	}
	record, ok := value.(object)
	if !ok {
		return nil, errors.New("is no object")
	}
	return record, nil
}

func (r *canonicalReader) peek() byte {
	if r.at >= len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *canonicalReader) take(expected string) bool {
	if !strings.HasPrefix(r.text[r.at:], expected) {
		return false
	}
	r.at += len(expected)
	return true
}

func (r *canonicalReader) value(level int) (any, error) {
	switch c := r.peek(); {
	case c == '{':
		return r.object(level + 1)
	case c == '[':
		return r.array(level + 1)
	case c == '"':
		return r.string()
	case c == '-' || c >= '0' && c <= '9':
		return r.number()
	case r.take("true"):
		return true, nil
	case r.take("false"):
		return false, nil
	case r.take("null"):
		return nil, nil
	}
	return nil, errors.New("no value of canonical JSON")
}

func (r *canonicalReader) object(level int) (any, error) {
	if level > r.levels {
		return nil, errors.New("nested too deep")
	}
	r.at++
	result := object{}
	if r.take("}") {
		return result, nil
	}
	var last []uint16
	for {
		if r.peek() != '"' {
			return nil, errors.New("no key")
		}
		key, err := r.string()
		if err != nil {
			return nil, err
		}
		units := utf16.Encode([]rune(key))
		if len(result) > 0 && slices.Compare(last, units) >= 0 {
			return nil, errors.New("keys do not ascend")
		}
		if key == "__proto__" {
			return nil, errors.New("a key __proto__")
		}
		last = units
		if !r.take(":") {
			return nil, errors.New("no colon")
		}
		if result[key], err = r.value(level); err != nil {
			return nil, err
		}
		if r.take("}") {
			return result, nil
		}
		if !r.take(",") {
			return nil, errors.New("no comma")
		}
	}
}

func (r *canonicalReader) array(level int) (any, error) {
	if level > r.levels {
		return nil, errors.New("nested too deep")
	}
	r.at++
	result := []any{}
	if r.take("]") {
		return result, nil
	}
	for {
		item, err := r.value(level)
		if err != nil {
			return nil, err
		}
		result = append(result, item)
		if r.take("]") {
			return result, nil
		}
		if !r.take(",") {
			return nil, errors.New("no comma")
		}
	}
}

var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 't': '\t', 'n': '\n', 'f': '\f', 'r': '\r'}

func (r *canonicalReader) string() (string, error) {
	r.at++
	var result strings.Builder
	for {
		c := r.peek()
		switch {
		case r.at >= len(r.text):
			return "", errEnd
		case c == '"':
			r.at++
			return result.String(), nil
		case c < 0x20:
			return "", errors.New("a control character as it is")
		case c != '\\':
			result.WriteByte(c)
			r.at++
		default:
			escaped, err := r.escape()
			if err != nil {
				return "", err
			}
			result.WriteByte(escaped)
		}
	}
}

// escape reads one of the few escapes that RFC 8785 writes.
func (r *canonicalReader) escape() (byte, error) {
	r.at++
	if short, ok := shortEscapes[r.peek()]; ok {
		r.at++
		return short, nil
	}
	rest := r.text[r.at:]
	if len(rest) < 5 || !strings.HasPrefix(rest, "u00") || strings.ToLower(rest[:5]) != rest[:5] {
		return 0, errors.New("an escape that is not needed")
	}
	code, err := strconv.ParseUint(rest[3:5], 16, 8)
	if err != nil || code >= 0x20 || strings.ContainsRune("\b\t\n\f\r", rune(code)) {
		return 0, errors.New("an escape that is not needed")
	}
	r.at += 5
	return byte(code), nil
}

func (r *canonicalReader) number() (any, error) {
	end := r.at
	for end < len(r.text) && strings.IndexByte("+-.0123456789eE", r.text[end]) >= 0 {
		end++
	}
	token := r.text[r.at:end]
	value, err := strconv.ParseFloat(token, 64)
	if err != nil || shortestNumber(value) != token {
		return nil, errors.New("a number in another than its shortest form")
	}
	r.at = end
	return number(token), nil
}

// shortestNumber writes a number as ECMAScript's Number::toString does.
func shortestNumber(value float64) string {
	if value == 0 {
		return "0"
	}
	sign := ""
	if value < 0 {
		sign = "-"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(math.Abs(value), 'e', -1, 64), "e")
	digits := strings.Replace(mantissa, ".", "", 1)
	power, _ := strconv.Atoi(exponent)
	point := power + 1 // where the point stands, counted from the first digit
	switch {
	case len(digits) <= point && point <= 21:
		return sign + digits + strings.Repeat("0", point-len(digits))
	case 0 < point && point <= 21:
		return sign + digits[:point] + "." + digits[point:]
	case -6 < point && point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits
	}
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	return fmt.Sprintf("%s%se%+d", sign, digits, power)
}

// at follows keys into nested objects; nil where there is nothing.
func (o object) at(keys ...string) any {
	var value any = o
	for _, key := range keys {
		inner, ok := value.(object)
		if !ok {
			return nil
		}
		value = inner[key]
	}
	return value
}

// text is a string at a path of keys; empty where there is none.
func (o object) text(keys ...string) string {
	text, _ := o.at(keys...).(string)
	return text
}

// integer is an integer from 0 to 2^53-1 at a path of keys; -1 where there is none.
func (o object) integer(keys ...string) int64 {
	token, _ := o.at(keys...).(number)
	value, err := parseInteger(string(token))
	if err != nil {
		return -1
	}
	return value
}

// list is the items of an array at a path of keys; none where there is no array.
func (o object) list(keys ...string) []any {
	items, _ := o.at(keys...).([]any)
	return items
}

const integerMax = 1<<53 - 1

// parseInteger takes decimals without leading zeros up to 2^53-1.
func parseInteger(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < 0 || value > integerMax || strconv.FormatInt(value, 10) != text {
		return 0, fmt.Errorf("%q is no number from 0 to 2^53-1", text)
	}
	return value, nil
}
