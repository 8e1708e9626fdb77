// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A checkpoint's three lines (spec/checkpoint.md).
type checkpoint struct {
	origin string
	tree   tlog.Tree
	text   string
}

func parseCheckpoint(text string) (*checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return nil, errors.New("no checkpoint of three lines")
	}
	size, err := parseInteger(lines[1])
	if err != nil {
		return nil, fmt.Errorf("checkpoint's size: %w", err)
	}
	root, err := decodeBase64(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return nil, errors.New("checkpoint's root is no hash")
	}
	return &checkpoint{lines[0], tlog.Tree{N: size, Hash: tlog.Hash(root)}, text}, nil
}

// parseHead takes a head that was kept elsewhere: `<origin> <size> <base64 root>`.
func parseHead(line string) (*checkpoint, error) {
	return parseCheckpoint(strings.ReplaceAll(line, " ", "\n") + "\n")
}

// What the tenant takes back: a key counts only for what the tenant log held below a size.
type revocation struct {
	log  string
	key  *verifierKey
	size int64
}

func parseRevocation(text string) (*revocation, error) {
	lines := strings.Split(text, "\n")
	if len(text) > certificateCharactersMax || len(lines) != 5 || lines[4] != "" || lines[0] != "spanseal/revoke/1" || !isLogName(lines[1]) {
		return nil, errors.New("no revocation of four lines")
	}
	key, err := parseKey(lines[2])
	if err != nil {
		return nil, err
	}
	if !isNameFor("issuer", lines[1], key.name) && !isNameFor("retention", lines[1], key.name) {
		return nil, fmt.Errorf("a revocation of %q, which is no issuer's and no retention key", key.name)
	}
	size, err := parseInteger(lines[3])
	return &revocation{lines[1], key, size}, err
}

// parseHash takes 64 digits of lower-case hex.
func parseHash(text string) (tlog.Hash, error) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != tlog.HashSize || hex.EncodeToString(decoded) != text {
		return tlog.Hash{}, fmt.Errorf("%q is no hash", text)
	}
	return tlog.Hash(decoded), nil
}

const timeForm = "2006-01-02T15:04:05.000Z"

func parseTime(text string) (time.Time, error) {
	parsed, err := time.Parse(timeForm, text)
	if err != nil || parsed.Format(timeForm) != text {
		return time.Time{}, fmt.Errorf("%q is no time", text)
	}
	return parsed, nil
}

var (
	logForm    = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[a-z0-9][a-z0-9._-]*)*$`)
	uuidForm   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	memberForm = regexp.MustCompile(`^[a-z0-9]{1,32}$`)
)

// isLogName tells names of logs (spec/chain.md, "Log").
func isLogName(name string) bool {
	if len(name) > 128 || !logForm.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	segments := strings.Split(name, "/")
	for _, segment := range segments {
		if uuidForm.MatchString(segment) || strings.HasPrefix(segment, "issuer-") || strings.HasPrefix(segment, "retention-") {
			return false
		}
	}
	return segments[0] != "spanseal" && segments[0] != "cosignature"
}

// checkEpochID is nil if the id is made from the key (spec/chain.md, "Epoch").
func checkEpochID(id string, public []byte) error {
	if !uuidForm.MatchString(id) {
		return fmt.Errorf("%q is no epoch id", id)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		return err
	}
	bits := sha256.Sum256(append([]byte("spanseal/epoch/1\x00"), public...))
	// 4 bits of version, 12 of the hash, 2 of variant, 62 more of the hash.
	expected := make([]byte, 10)
	expected[0] = 0x70 | bits[0]>>4
	expected[1] = bits[0]<<4 | bits[1]>>4
	for i := range 8 {
		// The 62 bits begin at bit 12 of the hash and stand two bits further right in their byte.
		from := 12 + 8*i - 2
		expected[2+i] = bits[from/8]<<(from%8) | bits[from/8+1]>>(8-from%8)
	}
	expected[2] = 0x80 | expected[2]&0x3f
	if string(expected) != string(raw[6:]) {
		return errors.New("the epoch's id is not made from its key")
	}
	return nil
}

// epochTime is the time in an epoch's id.
func epochTime(id string) time.Time {
	var millis int64
	fmt.Sscanf(id[:8]+id[9:13], "%x", &millis)
	return time.UnixMilli(millis).UTC()
}

// A certificate's six lines.
type certificate struct {
	role, log           string
	key                 *verifierKey
	notBefore, notAfter time.Time
}

const certificateCharactersMax = 2048

func parseCertificate(text string) (*certificate, error) {
	lines := strings.Split(text, "\n")
	if len(text) > certificateCharactersMax || len(lines) != 7 || lines[6] != "" {
		return nil, errors.New("no certificate of six lines")
	}
	if lines[0] != "spanseal/cert/1" || !isLogName(lines[2]) {
		return nil, errors.New("no certificate of version 1 for a log")
	}
	key, err := parseKey(lines[3])
	if err != nil {
		return nil, err
	}
	from, wrongFrom := parseTime(lines[4])
	to, wrongTo := parseTime(lines[5])
	if err := errors.Join(wrongFrom, wrongTo); err != nil {
		return nil, err
	}
	if to.Before(from) {
		return nil, errors.New("certificate ends before it begins")
	}
	if !isNameFor(lines[1], lines[2], key.name) {
		return nil, fmt.Errorf("certificate of role %q for the name %q", lines[1], key.name)
	}
	return &certificate{lines[1], lines[2], key, from, to}, nil
}

func isNameFor(role, log, name string) bool {
	member, ok := strings.CutPrefix(name, log+"/")
	if !ok {
		return false
	}
	switch role {
	case "epoch":
		return uuidForm.MatchString(member)
	case "issuer", "retention":
		id, ok := strings.CutPrefix(member, role+"-")
		return ok && memberForm.MatchString(id)
	}
	return false
}

func (c *certificate) covers(at time.Time) bool {
	return !at.Before(c.notBefore) && !at.After(c.notAfter)
}

// What an epoch says about its key, in epoch.open or in a bundle.
type keyClaim struct {
	log, epoch, vkey string
	certs            []string
	at               time.Time
}

// What following the certificates gave.
type vouched struct {
	key    *verifierKey
	by     string // verifier key that is pinned; empty where none vouches
	issuer *verifierKey
	// Outside the time of a certificate.
	expired bool
}

// issuerText is the verifier key of the issuer that the epoch's certificate hangs on.
func (v *vouched) issuerText() string {
	if v.issuer != nil {
		return v.issuer.text
	}
	return v.by
}

// follow checks a claim and its certificates. An error is a contradiction (fault `forged`).
func (claim keyClaim) follow(pinned []*verifierKey) (*vouched, error) {
	key, err := parseKey(claim.vkey)
	if err != nil {
		return nil, err
	}
	if key.name != claim.log+"/"+claim.epoch {
		return nil, fmt.Errorf("the epoch's key is named %q", key.name)
	}
	if err := checkEpochID(claim.epoch, key.public); err != nil {
		return nil, err
	}
	if len(claim.certs) > 2 {
		return nil, errors.New("a third certificate")
	}
	result := &vouched{key: key}
	if isPinned(key, pinned) {
		result.by = key.text
	}
	if len(claim.certs) > 0 {
		err = claim.followCertificates(result, pinned)
	}
	return result, err
}

func (claim keyClaim) followCertificates(result *vouched, pinned []*verifierKey) error {
	own, cert, err := readCertificate(claim.certs[0], "epoch", claim.log)
	if err != nil {
		return err
	}
	if cert.key.text != result.key.text {
		return errors.New("the epoch's certificate is for another key")
	}
	result.expired = !cert.covers(claim.at)
	vouch := func(note *signedNote, mayVouch func(string) bool) error {
		for _, key := range pinned {
			err := note.signedBy(key)
			if errors.Is(err, errNotSigned) {
				continue
			}
			if err != nil {
				return err
			}
			if !mayVouch(key.name) {
				return fmt.Errorf("certified by %s, whose role that is not", key.name)
			}
			if result.by == "" {
				result.by = key.text
			}
		}
		return nil
	}
	isIssuer := func(name string) bool { return isNameFor("issuer", claim.log, name) }
	if err := vouch(own, isIssuer); err != nil {
		return err
	}
	if len(claim.certs) == 1 {
		return nil
	}
	above, issued, err := readCertificate(claim.certs[1], "issuer", claim.log)
	if err != nil {
		return err
	}
	if err := own.signedBy(issued.key); err != nil {
		return fmt.Errorf("the epoch's certificate: %w", err)
	}
	result.issuer = issued.key
	result.expired = result.expired || !issued.covers(claim.at)
	return vouch(above, func(name string) bool { return name == claim.log })
}

func readCertificate(text, role, log string) (*signedNote, *certificate, error) {
	parsed, err := parseNote(text)
	if err != nil {
		return nil, nil, err
	}
	cert, err := parseCertificate(parsed.text)
	if err != nil {
		return nil, nil, err
	}
	if cert.role != role || cert.log != log {
		return nil, nil, fmt.Errorf("certificate of role %q of the log %q", cert.role, cert.log)
	}
	return parsed, cert, nil
}

func isPinned(key *verifierKey, pinned []*verifierKey) bool {
	for _, other := range pinned {
		if other.text == key.text {
			return true
		}
	}
	return false
}

// readCheckpoint takes a note that is a checkpoint of this origin, signed by this key.
func readCheckpoint(text, origin string, key note.Verifier) (*checkpoint, *signedNote, error) {
	parsed, err := parseNote(text)
	if err != nil {
		return nil, nil, err
	}
	result, err := parseCheckpoint(parsed.text)
	if err != nil {
		return nil, nil, err
	}
	if result.origin != origin {
		return nil, nil, fmt.Errorf("checkpoint of %q", result.origin)
	}
	return result, parsed, parsed.signedBy(key)
}
