// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
)

// checkEntry takes one of the three kinds of entries of a tenant log, told apart by the first line.
func (l *tenantLog) checkEntry(entry string, keys []*verifierKey) error {
	switch first, _, _ := strings.Cut(entry, "\n"); first {
	case "spanseal/cert/1":
		return l.checkCertificateEntry(entry, keys)
	case "spanseal/revoke/1":
		return l.checkRevocationEntry(entry, keys[0])
	}
	return l.checkCheckpointEntry(entry)
}

func (l *tenantLog) checkCertificateEntry(entry string, keys []*verifierKey) error {
	parsed, cert, err := readCertificate(entry, "epoch", l.name)
	if err != nil {
		return err
	}
	id := strings.TrimPrefix(cert.key.name, l.name+"/")
	if err := checkEpochID(id, cert.key.public); err != nil {
		return err
	}
	if l.epochs[id] != nil {
		return fmt.Errorf("a second certificate of %s", id)
	}
	l.epochs[id] = &sealedEpoch{key: cert.key}
	// The issuer's certificate is no entry: its signature is checked where its key is given.
	for _, key := range keys {
		if err := parsed.signedBy(key); err != nil && !errors.Is(err, errNotSigned) {
			return err
		}
	}
	return nil
}

func (l *tenantLog) checkRevocationEntry(entry string, tenant *verifierKey) error {
	parsed, err := parseNote(entry)
	if err != nil {
		return err
	}
	revoked, err := parseRevocation(parsed.text)
	if err != nil {
		return err
	}
	if revoked.log != l.name {
		return fmt.Errorf("a revocation of the log %q", revoked.log)
	}
	return parsed.signedBy(tenant)
}

func (l *tenantLog) checkCheckpointEntry(entry string) error {
	point, err := parseCheckpoint(entry)
	if err != nil {
		return err
	}
	id, isOurs := strings.CutPrefix(point.origin, l.name+"/")
	sealed := l.epochs[id]
	if !isOurs || sealed == nil {
		return fmt.Errorf("a checkpoint of %q before its certificate", point.origin)
	}
	if count := len(sealed.points); count > 0 && sealed.points[count-1].tree.N >= point.tree.N {
		// With another root at a size that is there already it is a fork, else a repetition.
		for _, other := range sealed.points {
			if other.tree.N == point.tree.N && other.tree.Hash != point.tree.Hash {
				l.report.fault("forked", id, "two roots for size %d", point.tree.N)
			}
		}
		return fmt.Errorf("a checkpoint of %s that does not grow", id)
	}
	if point.tree.N == 0 {
		return errors.New("a checkpoint of no records")
	}
	sealed.points = append(sealed.points, point)
	return nil
}

// checkJournal: every epoch that the log names is there, with the named roots.
func (l *tenantLog) checkJournal(whole *journal) {
	for id, sealed := range l.epochs {
		e := whole.epochs[id]
		if e == nil {
			l.report.fault("missing", id, "an epoch that the tenant log names")
			continue
		}
		if e.key != nil && e.key.key.text != sealed.key.text {
			l.report.fault("forked", id, "the tenant log holds another key")
		}
		for _, point := range sealed.points {
			if point.tree.N > e.size() {
				l.report.fault("truncated", e.place(e.size()), "the tenant log names %d records", point.tree.N)
			} else if root, err := e.leaves.root(point.tree.N); err != nil || root != point.tree.Hash {
				l.report.fault("forked", e.place(point.tree.N), "the tenant log has another root")
			}
		}
	}
}
