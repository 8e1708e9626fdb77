// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"
)

// What the caller brings along, and what the tenant log says of keys.
type trust struct {
	pinned []*verifierKey
	// By verifier key: the smallest tenant log size below which it counts.
	revoked map[string]int64
	// By its bytes: the index of a certificate entry of the tenant log.
	held map[string]int64
	now  time.Time
}

func (a arguments) trust() (*trust, error) {
	pinned, err := a.keys()
	if err != nil {
		return nil, err
	}
	result := &trust{pinned, map[string]int64{}, map[string]int64{}, time.Now()}
	if given := a["now"]; len(given) > 0 {
		if result.now, err = parseTime(given[0]); err != nil {
			return nil, err
		}
	}
	for _, path := range a["revocation"] {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		parsed, err := parseNote(string(text))
		if err != nil {
			return nil, err
		}
		revoked, err := parseRevocation(parsed.text)
		if err != nil {
			return nil, err
		}
		signed, err := signedByTenant(parsed, revoked.log, pinned)
		if err != nil || !signed {
			return nil, fmt.Errorf("%s is signed by no pinned tenant key", path)
		}
		result.revoke(revoked)
	}
	return result, nil
}

func (t *trust) revoke(revoked *revocation) {
	size, known := t.revoked[revoked.key.text]
	if !known || revoked.size < size {
		t.revoked[revoked.key.text] = revoked.size
	}
}

// counts tells whether an epoch's certificate by this issuer does, revocations considered.
func (t *trust) counts(issuer, certificate string) bool {
	size, isRevoked := t.revoked[issuer]
	if !isRevoked {
		return true
	}
	index, isHeld := t.held[certificate]
	return isHeld && index < size
}
