// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Where a commitment stands: what its salt and digest are bound to (spec/commitments.md).
type place struct {
	epoch string
	seq   int64
	field string
}

func (p place) bytes() []byte {
	return []byte(p.epoch + "\x00" + strconv.FormatInt(p.seq, 10) + "\x00" + p.field)
}

func contentDigest(encoding string, content []byte) []byte {
	sum := sha256.Sum256(append([]byte(encoding+"\x00"), content...))
	return sum[:]
}

func commit(salt, h []byte, at place) []byte {
	sum := sha256.New()
	sum.Write([]byte("spanseal/commit/1\x00"))
	sum.Write(salt)
	sum.Write(h)
	sum.Write(at.bytes())
	return sum.Sum(nil)
}

// What a commitment is said to be of (spec/bundle.md, "Opening").
type opening struct {
	field, encoding, salt string
	value                 []byte
}

// follow reads a JSON Pointer in a record; nil where it leads nowhere.
func follow(record object, pointer string) any {
	if pointer == "" {
		return record
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	var value any = record
	for _, step := range strings.Split(pointer[1:], "/") {
		switch inner := value.(type) {
		case object:
			value = inner[unescape.Replace(step)]
		case []any:
			index, err := parseInteger(step)
			if err != nil || index >= int64(len(inner)) {
				return nil
			}
			value = inner[index]
		default:
			return nil
		}
	}
	return value
}

// check is nil if the value is what the record committed to at this field.
func (o opening) check(record object) error {
	found, ok := follow(record, o.field).(object)
	if !ok {
		return fmt.Errorf("%s is no commitment", o.field)
	}
	if found["cut"] == true {
		if found, ok = found["commitment"].(object); !ok {
			return fmt.Errorf("%s is no commitment", o.field)
		}
	}
	if found.text("enc") != o.encoding {
		return errors.New("opened in another encoding than committed")
	}
	expected := []byte(nil)
	switch found.text("alg") {
	case "sha256":
		if o.salt != "" {
			return errors.New("a salt where none is used")
		}
		sum := sha256.Sum256(o.value)
		expected = sum[:]
	case "blinded-sha256":
		salt, err := parseHash(o.salt)
		if err != nil {
			return err
		}
		at, err := placeOf(record, o.field)
		if err != nil {
			return err
		}
		expected = commit(salt[:], contentDigest(o.encoding, o.value), at)
	default:
		return fmt.Errorf("unknown algorithm %q", found.text("alg"))
	}
	if found.text("c") != hex.EncodeToString(expected) {
		return errors.New("the record committed to something else")
	}
	return nil
}

// placeOf is the record's own place, but for an end's input, which has its start's.
func placeOf(record object, field string) (place, error) {
	at := place{record.text("chain", "epoch"), record.integer("chain", "seq"), field}
	start, isEnd := record.at("invocation", "start").(string)
	if field != "/invocation/input" || !isEnd {
		return at, nil
	}
	id, digits, _ := strings.Cut(start, "/")
	seq, err := parseInteger(digits)
	if err != nil || !uuidForm.MatchString(id) {
		return at, fmt.Errorf("%q is no id of a record", start)
	}
	return place{id, seq, field}, nil
}
