// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// What a signed note may be (spec/checkpoint.md).
const (
	noteBytesMax      = 65536
	noteSignaturesMax = 64
)

// A key as it is pinned or certified: what its verifier key text holds.
type verifierKey struct {
	text   string
	name   string
	public ed25519.PublicKey
	note.Verifier
}

// parseKey takes a verifier key of type Ed25519 (0x01) in its one form.
func parseKey(text string) (*verifierKey, error) {
	verifier, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("verifier key %q: %w", text, err)
	}
	name, rest, _ := strings.Cut(text, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	typed, err := decodeBase64(encoded)
	if err != nil || len(typed) != 1+ed25519.PublicKeySize {
		return nil, fmt.Errorf("verifier key %q: no Ed25519 key", text)
	}
	public := ed25519.PublicKey(typed[1:])
	again, err := note.NewEd25519VerifierKey(name, public)
	if err != nil || again != text {
		return nil, fmt.Errorf("verifier key %q is written in another form", text)
	}
	return &verifierKey{text: text, name: name, public: public, Verifier: verifier}, nil
}

// decodeBase64 takes canonical base64 with padding only.
func decodeBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(decoded) != text {
		return nil, errors.New("no canonical base64")
	}
	return decoded, nil
}

// A note taken apart; nothing in it is verified.
type signedNote struct {
	text       string
	signatures []noteSignature
}

type noteSignature struct {
	name string
	hash uint32
	line string // whole, with its LF
}

func parseNote(text string) (*signedNote, error) {
	if len(text) > noteBytesMax {
		return nil, fmt.Errorf("note of %d bytes", len(text))
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return nil, errors.New("note with bytes that are no text")
	}
	split := strings.LastIndex(text, "\n\n")
	if split <= 0 || !strings.HasSuffix(text, "\n") {
		return nil, errors.New("note without a text or signatures")
	}
	parsed := &signedNote{text: text[:split+1]}
	for line := range strings.Lines(text[split+2:]) {
		signature, err := parseSignature(line)
		if err != nil {
			return nil, err
		}
		parsed.signatures = append(parsed.signatures, signature)
	}
	if count := len(parsed.signatures); count == 0 || count > noteSignaturesMax {
		return nil, fmt.Errorf("note with %d signatures", count)
	}
	return parsed, nil
}

func isControl(r rune) bool {
	return r < 0x20 && r != '\n' || r == 0x7f
}

func parseSignature(line string) (noteSignature, error) {
	rest, isSignature := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "— ")
	name, encoded, hasName := strings.Cut(rest, " ")
	malformed := errors.New("note with a line that is no signature")
	if !isSignature || !hasName || name == "" || strings.Contains(name, "+") {
		return noteSignature{}, malformed
	}
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return noteSignature{}, malformed
	}
	decoded, err := decodeBase64(encoded)
	if err != nil || len(decoded) < 5 {
		return noteSignature{}, malformed
	}
	return noteSignature{name: name, hash: binary.BigEndian.Uint32(decoded), line: line}, nil
}

// errNotSigned: no signature has the key's name and id. A wrong signature is another error.
var errNotSigned = errors.New("not signed by this key")

// signedBy is nil if at least one signature has the key's name and id and all that have are valid.
// Each is opened alone: of two under one key, sumdb/note looks only at the first.
func (n *signedNote) signedBy(key note.Verifier) error {
	err := errNotSigned
	for _, signature := range n.signatures {
		if signature.name != key.Name() || signature.hash != key.KeyHash() {
			continue
		}
		alone := []byte(n.text + "\n" + signature.line)
		opened, wrong := note.Open(alone, note.VerifierList(key))
		if wrong != nil {
			return fmt.Errorf("signature of %s: %w", key.Name(), wrong)
		}
		if opened.Text != n.text || len(opened.Sigs) != 1 {
			return fmt.Errorf("signature of %s is over another text", key.Name())
		}
		err = nil
	}
	return err
}

// A witness: cosignatures of type 0x04 (C2SP tlog-cosignature) are 8 bytes of unix seconds and a
// signature over those and the checkpoint's text.
type witnessKey struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

const cosignatureType = 0x04

func parseWitness(text string) (*witnessKey, error) {
	malformed := fmt.Errorf("witness key %q is malformed", text)
	name, rest, _ := strings.Cut(text, "+")
	id, encoded, _ := strings.Cut(rest, "+")
	typed, err := decodeBase64(encoded)
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != cosignatureType {
		return nil, malformed
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	if name == "" || strings.ContainsFunc(name, unicode.IsSpace) || id != fmt.Sprintf("%x", sum[:4]) {
		return nil, malformed
	}
	return &witnessKey{name, binary.BigEndian.Uint32(sum[:]), ed25519.PublicKey(typed[1:])}, nil
}

func (w *witnessKey) Name() string    { return w.name }
func (w *witnessKey) KeyHash() uint32 { return w.hash }

func (w *witnessKey) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(signature)
	if seconds > integerMax {
		return false
	}
	var message bytes.Buffer
	fmt.Fprintf(&message, "cosignature/v1\ntime %d\n", seconds)
	message.Write(text)
	return ed25519.Verify(w.public, message.Bytes(), signature[8:])
}

// countCosigned is how many different witnesses cosigned a note.
func countCosigned(n *signedNote, witnesses []*witnessKey) int {
	names := map[string]bool{}
	for _, witness := range witnesses {
		if n.signedBy(witness) == nil {
			names[string(witness.public)] = true
		}
	}
	return len(names)
}
