// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// One epoch as its folder holds it, read whole.
type epoch struct {
	id      string
	log     string
	records []object
	leaves  leaves
	torn    []byte
	key     *vouched
	// The note of the epoch's own certificate; empty where it has none.
	certificate string
	signedTo    int64 // size of the largest checkpoint that holds
	headed      bool  // ends where a given head says
	stub        *stub
	stubLog     string
	expired     int64 // the stub's last seq, where its records are gone
	admitted    admissions
	broken      bool // a finding in the records: what follows from them is not looked for
	report      *report
}

func (e *epoch) place(seq int64) string { return fmt.Sprintf("%s/%d", e.id, seq) }

func (e *epoch) fault(code string, seq int64, format string, args ...any) {
	e.broken = true
	e.report.fault(code, e.place(seq), format, args...)
}

var segmentForm = regexp.MustCompile(`^(\d{12})\.jsonl$`)

func readEpoch(folder string, report *report, trust *trust) (*epoch, error) {
	e := &epoch{id: filepath.Base(folder), report: report}
	if err := e.readStub(folder, trust); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries { // sorted by name
		digits := segmentForm.FindStringSubmatch(entry.Name())
		if digits == nil {
			continue
		}
		if len(e.torn) > 0 {
			e.fault("torn", e.size(), "a torn line before the last segment")
			e.torn = nil
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		first, err := strconv.ParseInt(digits[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if e.skipExpired(first); e.stub != nil && e.size() == 1 && first > 1 {
			continue // what is left of expired records
		}
		if first != e.size() {
			e.fault("missing", e.size(), "the next segment begins at %d", first)
		}
		if err := e.readSegment(data); err != nil {
			return nil, err
		}
	}
	if e.stub != nil {
		e.skipExpired(e.stub.last + 1)
		e.checkKept()
	}
	return e, nil
}

func (e *epoch) size() int64 { return e.leaves.count }

func (e *epoch) readSegment(data []byte) error {
	for len(data) > 0 {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			e.torn = data
			return nil
		}
		if err := e.readRecord(line); err != nil {
			return err
		}
		data = rest
	}
	return nil
}

func (e *epoch) readRecord(line []byte) error {
	seq := e.size()
	record, err := readLine(line)
	if err != nil {
		e.fault("edited", seq, "the line is no record: %v", err)
	} else {
		e.checkEnvelope(seq, record, line)
	}
	e.records = append(e.records, record)
	return e.leaves.add(tlog.RecordHash(line))
}

// checkEnvelope compares what a record says of its place with where it stands.
func (e *epoch) checkEnvelope(seq int64, record object, line []byte) {
	previous := tlog.Hash{}
	if seq == 0 {
		e.log = record.text("chain", "log")
		if !isLogName(e.log) {
			e.fault("schema", seq, "%q is no name of a log", e.log)
		}
	} else {
		previous = e.leaves.at(seq - 1)
		if record.at("rev") != e.records[0].at("rev") {
			e.fault("schema", seq, "another revision than the epoch's")
		}
	}
	if record.at("v") != number("1") {
		e.fault("unverifiable", seq, "version %v", record.at("v"))
		return
	}
	if revision := record.integer("rev"); revision < 0 {
		e.fault("schema", seq, "no revision")
	} else if revision > 0 && seq == 0 {
		e.report.notice("newer_rev", e.place(seq), "revision %d", revision)
	}
	if record.text("chain", "epoch") != e.id || record.text("chain", "log") != e.log {
		e.fault("forged", seq, "a record of another epoch or log")
	}
	e.checkLink(seq, record, previous, line)
	opens, closed := record.text("type") == "epoch.open", e.closeRecord() != nil
	if opens != (seq == 0) {
		e.fault("schema", seq, "epoch.open is not exactly the first record")
	}
	if closed {
		e.fault("forged", seq, "a record behind epoch.close")
	}
	e.checkAdmission(seq, record)
}

func (e *epoch) checkLink(seq int64, record object, previous tlog.Hash, line []byte) {
	given := record.integer("chain", "seq")
	linked := record.text("chain", "prev") == hex.EncodeToString(previous[:])
	switch {
	case given == seq && linked:
	case given == seq:
		e.fault("edited", seq, "the record before does not hash to prev")
	case given > seq:
		e.fault("missing", seq, "seq %d stands here", given)
	case given >= 0 && e.leaves.at(given) == tlog.RecordHash(line):
		e.fault("duplicated", seq, "the record of seq %d again", given)
	default:
		e.fault("forked", seq, "another record of seq %d", given)
	}
}

// closeRecord is the last record if that is epoch.close.
func (e *epoch) closeRecord() object {
	if len(e.records) == 0 {
		return nil
	}
	last := e.records[len(e.records)-1]
	if last == nil || last.text("type") != "epoch.close" {
		return nil
	}
	return last
}

// checkOpening follows the certificates that epoch.open carries.
func (e *epoch) checkOpening(trust *trust) {
	open := e.records[0]
	at, err := parseTime(open.text("time", "at"))
	if err != nil {
		e.fault("schema", 0, "%v", err)
		return
	}
	claim := keyClaim{log: e.log, epoch: e.id, vkey: open.text("detail", "key", "vkey"), at: at}
	for _, cert := range open.list("detail", "key", "certs") {
		text, _ := cert.(string)
		claim.certs = append(claim.certs, text)
	}
	key, err := claim.follow(trust.pinned)
	if err != nil {
		e.fault("forged", 0, "%v", err)
		return
	}
	if !epochTime(e.id).Equal(at) {
		e.fault("forged", 0, "the epoch's id has another time than epoch.open")
	}
	e.key = key
	if e.stub != nil && e.stubLog != "" && e.stubLog != e.log {
		e.fault("forged", 0, "a stub of another log")
	}
	if len(claim.certs) > 0 {
		e.certificate = claim.certs[0]
	}
	if key.by == "" {
		e.report.fault("unsigned", e.place(0), "no pinned key vouches for the epoch's key")
	} else if key.by != key.key.text && !trust.counts(key.issuerText(), e.certificate) {
		e.report.fault("unsigned", e.place(0), "the issuer of the epoch's certificate was revoked")
	}
	if key.expired {
		e.report.notice("expired", e.place(0), "opened outside a certificate's time")
	}
}

// checkCheckpoints verifies every note of the checkpoints file and makes its root again.
func (e *epoch) checkCheckpoints(folder string) error {
	data, err := os.ReadFile(filepath.Join(folder, "checkpoints"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	roots := map[int64]tlog.Hash{}
	for len(data) > 0 {
		text, rest, err := readFrame(data)
		if errors.Is(err, errEnd) {
			e.report.notice("torn", e.id, "the last checkpoint is only partly there")
			break
		}
		if err != nil {
			e.report.fault("edited", e.id, "checkpoints: %v", err)
			break
		}
		e.checkCheckpoint(text, roots)
		data = rest
	}
	if e.signedTo == 0 {
		e.report.fault("unsigned", e.id, "no checkpoint signs any record")
	}
	return nil
}

func (e *epoch) checkCheckpoint(text string, roots map[int64]tlog.Hash) {
	point, _, err := readCheckpoint(text, e.log+"/"+e.id, e.key.key)
	if err != nil {
		e.report.fault("forged", e.id, "checkpoint: %v", err)
		return
	}
	size := point.tree.N
	if other, seen := roots[size]; seen && other != point.tree.Hash {
		e.report.fault("forked", e.place(size), "two signed roots for one size")
	}
	roots[size] = point.tree.Hash
	if size > e.size() {
		e.report.fault("truncated", e.place(e.size()), "a checkpoint names %d records", size)
		return
	}
	if size > 1 && size <= e.expired {
		return // of what has expired; a later one covers it
	}
	if root, err := e.leaves.root(size); size == 0 || err != nil || root != point.tree.Hash {
		e.report.fault("forged", e.place(size), "a checkpoint of size %d has another root", size)
		return
	}
	e.signedTo = max(e.signedTo, size)
}

// readFrame takes a note after its length in decimal and LF.
func readFrame(data []byte) (string, []byte, error) {
	digits, rest, found := bytes.Cut(data, []byte("\n"))
	if !found && len(digits) < 6 {
		return "", nil, errEnd
	}
	length, err := parseInteger(string(digits))
	if err != nil || length == 0 || length > noteBytesMax {
		return "", nil, errors.New("no length of a note")
	}
	if int64(len(rest)) < length {
		return "", nil, errEnd
	}
	return string(rest[:length]), rest[length:], nil
}
