// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// What stands for the records 1 to last of an epoch (spec/checkpoint.md, "Stub").
type stub struct {
	origin    string
	last      int64
	keepUntil time.Time
	leaf      tlog.Hash
	nodes     []tlog.Hash
}

const (
	stubCharactersMax = 8192
	// Expired records take room here, one pointer each.
	expiredMax = 1 << 24
)

func parseStub(text string) (*stub, error) {
	lines := strings.Split(text, "\n")
	if len(text) > stubCharactersMax || len(lines) < 7 || lines[0] != "spanseal/stub/1" || lines[len(lines)-1] != "" {
		return nil, errors.New("no stub of version 1")
	}
	last, err := parseInteger(lines[2])
	if err != nil || last < 1 {
		return nil, errors.New("no seq of the last record")
	}
	keepUntil, err := parseTime(lines[3])
	if err != nil {
		return nil, err
	}
	result := &stub{origin: lines[1], last: last, keepUntil: keepUntil}
	for i, line := range lines[4 : len(lines)-1] {
		hash, err := decodeBase64(line)
		if err != nil || len(hash) != tlog.HashSize {
			return nil, errors.New("a line that is no hash")
		}
		if i == 0 {
			result.leaf = tlog.Hash(hash)
		} else {
			result.nodes = append(result.nodes, tlog.Hash(hash))
		}
	}
	if len(result.nodes) != placeRange(last+1, nil) {
		return nil, errors.New("no compact range of that size")
	}
	return result, nil
}

// readStub takes the stub file: the stub's note and the retention certificate's.
func (e *epoch) readStub(folder string, trust *trust) error {
	data, err := os.ReadFile(filepath.Join(folder, "stub"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	own, rest, wrong := readFrame(data)
	var above string
	if wrong == nil {
		above, rest, wrong = readFrame(rest)
	}
	if wrong == nil && len(rest) > 0 {
		wrong = errors.New("something behind the certificate")
	}
	var note, certified *signedNote
	var cert *certificate
	if wrong == nil {
		note, wrong = parseNote(own)
	}
	if wrong == nil {
		e.stub, wrong = parseStub(note.text)
	}
	if wrong == nil {
		certified, wrong = parseNote(above)
	}
	if wrong == nil {
		cert, wrong = parseCertificate(certified.text)
	}
	if wrong != nil {
		e.stub = nil
		e.report.fault("edited", e.id, "stub: %v", wrong)
		return nil
	}
	if e.stub.last > expiredMax {
		e.stub = nil
		e.fault("unverifiable", 0, "more expired records than are checked here")
		return nil
	}
	e.checkStub(note, certified, cert, trust)
	return nil
}

func (e *epoch) checkStub(note, certified *signedNote, cert *certificate, trust *trust) {
	log, _ := strings.CutSuffix(e.stub.origin, "/"+e.id)
	if log+"/"+e.id != e.stub.origin || cert.role != "retention" || cert.log != log {
		e.report.fault("forged", e.id, "a stub of %q, certified for the role %q", e.stub.origin, cert.role)
		return
	}
	if err := note.signedBy(cert.key); err != nil {
		e.report.fault("forged", e.id, "stub: %v", err)
		return
	}
	e.stubLog = log
	signed, err := signedByTenant(certified, log, trust.pinned)
	_, revoked := trust.revoked[cert.key.text]
	switch {
	case err != nil && !errors.Is(err, errNotSigned):
		e.report.fault("forged", e.id, "stub: %v", err)
	case revoked || !signed || err != nil:
		e.report.fault("unsigned", e.id, "no pinned key vouches for the stub's")
	case !e.stub.keepUntil.Before(trust.now):
		e.report.fault("missing", e.place(1), "records that had to be kept until %v", e.stub.keepUntil)
	default:
		e.report.notice("expired", e.place(1), "%d records", e.stub.last)
	}
}

// skipExpired goes on behind the stub's records, if a segment begins behind them.
func (e *epoch) skipExpired(first int64) {
	if e.stub == nil || e.size() != 1 || first <= e.stub.last {
		return
	}
	e.leaves.skipTo(e.stub.last+1, e.stub.leaf, e.stub.nodes)
	e.records = append(e.records, make([]object, e.stub.last)...)
	e.expired = e.stub.last
}

// checkKept compares a stub with records that it stands for and that are there all the same.
func (e *epoch) checkKept() {
	if e.stub == nil || e.expired > 0 || e.broken {
		return
	}
	kept := &leaves{}
	kept.skipTo(e.stub.last+1, e.stub.leaf, e.stub.nodes)
	expected, err := kept.root(e.stub.last + 1)
	if actual, wrong := e.leaves.root(e.stub.last + 1); err != nil || wrong != nil || actual != expected {
		e.report.fault("forged", e.place(e.stub.last), "the stub has another root than the records")
	}
}
