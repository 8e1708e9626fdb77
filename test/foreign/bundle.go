// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// What a bundle is checked with.
type bundleCheck struct {
	*bundle
	pinned    []*verifierKey
	heads     []string
	revoked   []string // whole notes, besides those in the bundle
	witnesses []*witnessKey
	threshold int

	report     *report
	log, epoch string
	seq        int64
	point      *checkpoint
	tenantTree *checkpoint
	// Whether the tenant's checkpoint is signed by a pinned tenant key.
	tenantSigned bool
}

func runBundle(path string, args arguments) (*report, map[string]int, error) {
	keys, err := args.pinned()
	if err != nil {
		return nil, nil, err
	}
	witnesses, threshold, err := args.witnesses()
	if err != nil {
		return nil, nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	found := &report{}
	parsed, err := parseBundle(string(text))
	if err != nil {
		found.fault("malformed", "bundle", "%v", err)
		return found, nil, nil
	}
	check := &bundleCheck{bundle: parsed, pinned: keys, heads: args["head"],
		witnesses: witnesses, threshold: threshold, report: found}
	for _, path := range args["revocation"] {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		check.revoked = append(check.revoked, string(text))
	}
	check.run()
	counts := map[string]int{"openings": len(parsed.openings), "timestamps": 0}
	if parsed.tenant != nil {
		counts["timestamps"] = len(parsed.tenant.timestamps) // not checked here
	}
	return found, counts, nil
}

func (b *bundleCheck) run() {
	record, err := readLine([]byte(b.record))
	if err != nil {
		b.report.fault("edited", "record", "%v", err)
		return
	}
	b.log, b.epoch = record.text("chain", "log"), record.text("chain", "epoch")
	b.seq = record.integer("chain", "seq")
	if record.at("v") != number("1") {
		b.report.fault("unverifiable", "record", "version %v", record.at("v"))
		return
	}
	if !isLogName(b.log) || !uuidForm.MatchString(b.epoch) || b.seq < 0 {
		b.report.fault("schema", "record", "no place in a log")
		return
	}
	key := b.checkKey()
	b.checkInclusion(key)
	if b.tenant != nil {
		b.checkTenant()
	}
	isKnown := b.checkHeads()
	b.checkRevocations()
	isKnown = b.checkWitnesses() || isKnown
	if b.tenantTree != nil && b.tenantTree.origin == b.log && !isKnown && b.isTenantUnknown() {
		b.report.notice("unsigned", "tenant", "no tenant key is pinned")
	}
	for _, opening := range b.openings {
		if err := opening.check(record); err != nil {
			b.report.fault("forged", "opening", "%s: %v", opening.field, err)
		}
	}
}

// checkKey finds the epoch's key: certified, or pinned itself.
func (b *bundleCheck) checkKey() *verifierKey {
	claim := keyClaim{log: b.log, epoch: b.epoch, certs: b.certs, at: epochTime(b.epoch)}
	if len(b.certs) > 0 {
		_, cert, err := readCertificate(b.certs[0], "epoch", b.log)
		if err != nil {
			b.report.fault("forged", "signature", "%v", err)
			return nil
		}
		claim.vkey = cert.key.text
	}
	for _, key := range b.pinned {
		if len(b.certs) == 0 && key.name == b.log+"/"+b.epoch {
			claim.vkey = key.text
		}
	}
	if claim.vkey == "" {
		if len(b.pinned) > 0 {
			b.report.fault("unsigned", "signature", "neither a certificate nor a pinned key for the epoch")
		}
		return nil
	}
	key, err := claim.follow(b.pinned)
	if err != nil {
		b.report.fault("forged", "signature", "%v", err)
		return nil
	}
	if key.by == "" && len(b.pinned) > 0 {
		b.report.fault("unsigned", "signature", "no pinned key vouches for the epoch's key")
	}
	if key.expired {
		b.report.notice("expired", "signature", "the epoch began outside a certificate's time")
	}
	return key.key
}

func (b *bundleCheck) checkInclusion(key *verifierKey) {
	parsed, err := parseNote(b.checkpoint)
	if err == nil {
		b.point, err = parseCheckpoint(parsed.text)
	}
	if err != nil {
		b.report.fault("edited", "inclusion", "%v", err)
		return
	}
	if b.point.origin != b.log+"/"+b.epoch {
		b.report.fault("forged", "inclusion", "the checkpoint is of %q", b.point.origin)
		return
	}
	checkRecord(b.report, "inclusion", b.path, b.point.tree, b.seq, []byte(b.record))
	if key == nil {
		return
	}
	if err := parsed.signedBy(key); err != nil {
		b.report.fault("forged", "signature", "%v", err)
	}
}

// checkRecord is sumdb/tlog's inclusion of an entry, which panics where the index is outside.
func checkRecord(found *report, at string, proof tlog.RecordProof, tree tlog.Tree, index int64, entry []byte) {
	if index >= tree.N {
		found.fault("edited", at, "entry %d of a tree of %d", index, tree.N)
		return
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		found.fault("edited", at, "%v", err)
	}
}

func (b *bundleCheck) checkTenant() {
	parsed, err := parseNote(b.tenant.checkpoint)
	var point *checkpoint
	if err == nil {
		point, err = parseCheckpoint(parsed.text)
	}
	if err != nil {
		b.report.fault("edited", "tenant", "%v", err)
		return
	}
	b.tenantTree = point
	if point.origin != b.log {
		b.report.fault("forged", "tenant", "the checkpoint is of %q", point.origin)
		return
	}
	if isTenantPinned, err := signedByTenant(parsed, b.log, b.pinned); err != nil {
		b.report.fault("forged", "tenant", "%v", err)
	} else {
		b.tenantSigned = isTenantPinned
	}
	text := ""
	if note, err := parseNote(b.checkpoint); err == nil {
		text = note.text
	}
	checkRecord(b.report, "tenant", b.tenant.path, point.tree, b.tenant.entry, []byte(text))
	checkRecord(b.report, "tenant", b.tenant.certPath, point.tree, b.tenant.certEntry, []byte(b.certs[0]))
	if b.tenant.certEntry >= b.tenant.entry {
		b.report.fault("forged", "tenant", "the certificate does not stand before the checkpoint")
	}
}

// signedByTenant tells whether a tenant key is pinned; if one is, one must have signed.
func signedByTenant(parsed *signedNote, log string, pinned []*verifierKey) (bool, error) {
	isPinned, signed := false, false
	for _, key := range pinned {
		if key.name != log {
			continue
		}
		isPinned = true
		err := parsed.signedBy(key)
		if err != nil && !errors.Is(err, errNotSigned) {
			return true, err
		}
		signed = signed || err == nil
	}
	if isPinned && !signed {
		return true, errNotSigned
	}
	return isPinned, nil
}

// isTenantUnknown tells whether keys are pinned, and none of them the tenant's.
func (b *bundleCheck) isTenantUnknown() bool {
	for _, key := range b.pinned {
		if key.name == b.log {
			return false
		}
	}
	return len(b.pinned) > 0
}

// checkHeads tells whether a given head is one that the bundle leads to.
func (b *bundleCheck) checkHeads() bool {
	compared, matched := 0, false
	for _, line := range b.heads {
		head, err := parseHead(line)
		if err != nil {
			b.report.fault("edited", "head", "%v", err)
			continue
		}
		for _, own := range []*checkpoint{b.point, b.tenantTree} {
			if own == nil || own.origin != head.origin || own.tree.N != head.tree.N {
				continue
			}
			if own.tree.Hash != head.tree.Hash {
				b.report.fault("forked", "head", "another root at size %d of %s", head.tree.N, head.origin)
			} else {
				matched = true
			}
			compared++
		}
	}
	if len(b.heads) > 0 && compared == 0 {
		b.report.notice("unverifiable", "head", "none of the given heads can be compared")
	}
	return matched
}

// checkRevocations compares with keys that the tenant took back (spec/bundle.md, 5).
func (b *bundleCheck) checkRevocations() {
	notes := b.revoked
	if b.tenant != nil {
		notes = append(notes, b.tenant.revocations...)
	}
	smallest := int64(math.MaxInt64)
	for _, text := range notes {
		parsed, err := parseNote(text)
		var revoked *revocation
		if err == nil {
			revoked, err = parseRevocation(parsed.text)
		}
		if err != nil {
			b.report.fault("edited", "revocation", "%v", err)
			continue
		}
		if revoked.log != b.log || !b.isIssuer(revoked.key) {
			continue
		}
		isPinned, err := signedByTenant(parsed, b.log, b.pinned)
		if err != nil {
			b.report.fault("forged", "revocation", "%v", err)
		} else if !isPinned {
			b.report.fault("unverifiable", "revocation", "no tenant key is pinned")
		} else {
			smallest = min(smallest, revoked.size)
		}
	}
	held := b.tenant != nil && b.tenantSigned && b.tenant.certEntry < smallest
	if smallest != math.MaxInt64 && !held {
		b.report.fault("unsigned", "revocation", "the issuer's key was revoked")
	}
}

// isIssuer tells whether the key signed the epoch's certificate.
func (b *bundleCheck) isIssuer(key *verifierKey) bool {
	if len(b.certs) == 0 {
		return false
	}
	parsed, err := parseNote(b.certs[0])
	return err == nil && parsed.signedBy(key) == nil
}

// checkWitnesses tells whether as many as were asked for cosigned.
func (b *bundleCheck) checkWitnesses() bool {
	if len(b.witnesses) == 0 {
		return false
	}
	count := 0
	if b.tenant != nil {
		if parsed, err := parseNote(b.tenant.checkpoint); err == nil {
			count = countCosigned(parsed, b.witnesses)
		}
	}
	if count < b.threshold {
		b.report.fault("unsigned", "witness", "%d of %d witnesses cosigned", count, b.threshold)
		return false
	}
	return true
}
