// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	bundleBytesMax = 1 << 20
	bundleLevels   = 5
	proofHashesMax = 64
)

// A bundle's form (spec/bundle.md, "Form").
type bundle struct {
	record     string
	checkpoint string
	certs      []string
	path       tlog.RecordProof
	openings   []opening
	tenant     *tenantProof
}

type tenantProof struct {
	checkpoint       string
	entry, certEntry int64
	path, certPath   tlog.RecordProof
	revocations      []string
	timestamps       [][]byte
}

// A form reads an object's keys one by one, remembers the first that is wrong, and in the end wants
// that all were asked for.
type form struct {
	value object
	asked map[string]bool
	err   *error
}

func newForm(value any, err *error) form {
	fields, ok := value.(object)
	if !ok && *err == nil {
		*err = errors.New("something is no object")
	}
	return form{fields, map[string]bool{}, err}
}

func (f form) fail(format string, args ...any) {
	if *f.err == nil {
		*f.err = fmt.Errorf(format, args...)
	}
}

func (f form) take(key string) (any, bool) {
	f.asked[key] = true
	value, found := f.value[key]
	return value, found
}

func (f form) text(key string) string {
	value, _ := f.take(key)
	text, ok := value.(string)
	if !ok {
		f.fail("%s is no text", key)
	}
	return text
}

func (f form) index(key string) int64 {
	f.asked[key] = true
	index := f.value.integer(key)
	if index < 0 {
		f.fail("%s is no index", key)
	}
	return index
}

// texts reads a list of from least to most texts; an optional one may be absent.
func (f form) texts(key string, least, most int, optional bool) []string {
	value, found := f.take(key)
	if !found && optional {
		return nil
	}
	items, ok := value.([]any)
	if !ok || len(items) < least || len(items) > most {
		f.fail("%s is no list of %d to %d", key, least, most)
	}
	result := []string{}
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			f.fail("%s holds something else than texts", key)
		}
		result = append(result, text)
	}
	return result
}

func (f form) path(key string) tlog.RecordProof {
	proof := tlog.RecordProof{}
	for _, text := range f.texts(key, 0, proofHashesMax, false) {
		hash, err := parseHash(text)
		if err != nil {
			f.fail("%s: %w", key, err)
		}
		proof = append(proof, hash)
	}
	return proof
}

func (f form) end() {
	for key := range f.value {
		if !f.asked[key] {
			f.fail("an unknown key %q", key)
		}
	}
}

// parseBundle takes a bundle's one form, or says why it is malformed.
func parseBundle(text string) (*bundle, error) {
	line, hasLF := strings.CutSuffix(text, "\n")
	if len(text) > bundleBytesMax || !hasLF {
		return nil, errors.New("too long, or does not end with LF")
	}
	value, err := readCanonical(line, bundleLevels)
	if err != nil {
		return nil, err
	}
	fields := newForm(value, &err)
	if fields.text("bundle") != "spanseal/bundle/1" {
		fields.fail("not of version 1")
	}
	result := &bundle{
		record: fields.text("record"), checkpoint: fields.text("checkpoint"),
		certs: fields.texts("certs", 0, 2, false), path: fields.path("path"),
	}
	if len(result.record) > lineBytesMax {
		fields.fail("a record of %d bytes", len(result.record))
	}
	if openings, found := fields.take("openings"); found {
		result.openings = parseOpenings(openings, fields)
	}
	if tenant, found := fields.take("tenant"); found {
		result.tenant = parseTenantProof(tenant, &err)
		if len(result.certs) == 0 {
			fields.fail("tenant without a certificate")
		}
	}
	fields.end()
	return result, err
}

var encodings = []string{"bytes", "text", "json", "typed/1", "items/1", "args/1"}

var pointerForm = regexp.MustCompile(`^(/([^~]|~[01])*)?$`)

func parseOpenings(value any, outer form) []opening {
	items, ok := value.([]any)
	if !ok || len(items) < 1 || len(items) > 64 {
		outer.fail("openings is no list of 1 to 64")
	}
	result, seen := []opening{}, []string{}
	for _, item := range items {
		fields := newForm(item, outer.err)
		decoded, err := decodeBase64(fields.text("value"))
		if err != nil {
			fields.fail("value: %w", err)
		}
		one := opening{field: fields.text("field"), encoding: fields.text("enc"), value: decoded}
		if _, found := fields.take("salt"); found {
			one.salt = fields.text("salt")
			if _, err := parseHash(one.salt); err != nil {
				fields.fail("salt: %w", err)
			}
		}
		if !slices.Contains(encodings, one.encoding) {
			fields.fail("unknown encoding %q", one.encoding)
		}
		if !pointerForm.MatchString(one.field) || len(one.field) > 256 {
			fields.fail("%q is no JSON Pointer", one.field)
		}
		if slices.Contains(seen, one.field) {
			fields.fail("%s is opened twice", one.field)
		}
		fields.end()
		result, seen = append(result, one), append(seen, one.field)
	}
	return result
}

func parseTenantProof(value any, err *error) *tenantProof {
	fields := newForm(value, err)
	cert, _ := fields.take("certificate")
	certificate := newForm(cert, err)
	result := &tenantProof{
		checkpoint: fields.text("checkpoint"), entry: fields.index("entry"), path: fields.path("path"),
		certEntry: certificate.index("entry"), certPath: certificate.path("path"),
		revocations: fields.texts("revocations", 1, 64, true),
	}
	for _, text := range fields.texts("timestamps", 1, 16, true) {
		token, wrong := decodeBase64(text)
		if wrong != nil {
			fields.fail("timestamps: %w", wrong)
		}
		result.timestamps = append(result.timestamps, token)
	}
	certificate.end()
	fields.end()
	return result
}
