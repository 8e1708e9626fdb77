// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// checkEntry takes one of the three kinds of entries of a tenant log, told apart by the first line.
func (l *tenantLog) checkEntry(index int64, entry string) error {
	switch first, _, _ := strings.Cut(entry, "\n"); first {
	case "spanseal/cert/1":
		return l.checkCertificateEntry(index, entry)
	case "spanseal/revoke/1":
		return l.checkRevocationEntry(entry)
	}
	return l.checkCheckpointEntry(entry)
}

func (l *tenantLog) checkCertificateEntry(index int64, entry string) error {
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
	l.epochs[id] = &sealedEpoch{certificate: entry}
	l.trust.held[entry] = index
	// The issuer's certificate is no entry: its signature is checked where its key is given.
	for _, key := range l.trust.pinned {
		if err := parsed.signedBy(key); err != nil && !errors.Is(err, errNotSigned) {
			return err
		}
	}
	return nil
}

func (l *tenantLog) checkRevocationEntry(entry string) error {
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
	if err := parsed.signedBy(l.trust.pinned[0]); err != nil {
		return err
	}
	l.trust.revoke(revoked)
	return nil
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
		if e.certificate != sealed.certificate {
			l.report.fault("forged", id, "the tenant log holds another certificate")
		}
		for _, point := range sealed.points {
			l.checkPoint(e, point.tree)
		}
	}
}

func (l *tenantLog) checkPoint(e *epoch, named tlog.Tree) {
	if named.N > e.size() {
		l.report.fault("truncated", e.place(e.size()), "the tenant log names %d records", named.N)
		return
	}
	if named.N > 1 && named.N <= e.expired {
		return
	}
	if root, err := e.leaves.root(named.N); err == nil && root == named.Hash {
		return
	}
	// Where the epoch's own key signed what is here, it signed two histories.
	code := "forged"
	if e.signedTo >= named.N {
		code = "forked"
	}
	l.report.fault(code, e.place(named.N), "the tenant log has another root")
}
