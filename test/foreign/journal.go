// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A journal with what its epochs say of each other.
type journal struct {
	report   *report
	epochs   map[string]*epoch
	observed map[string][]observation
}

type observation struct {
	by, epoch, state string
	seq              int64 // of the record that says so
	size             int64
	leaf             string
	tornBytes        int64
	tornHash         string
}

func readJournal(folder string, trust *trust, heads []string) (*journal, error) {
	j := &journal{&report{}, map[string]*epoch{}, map[string][]observation{}}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() || !uuidForm.MatchString(entry.Name()) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		read, err := readEpoch(path, j.report, trust)
		if err != nil {
			return nil, err
		}
		j.epochs[read.id] = read
		if read.broken || read.size() == 0 {
			continue
		}
		if read.checkOpening(trust); read.key == nil {
			continue
		}
		if err := read.checkCheckpoints(path); err != nil {
			return nil, err
		}
	}
	j.checkHeads(heads)
	j.checkWhole()
	return j, nil
}

func (j *journal) checkWhole() {
	var records int64
	logs := map[string]bool{}
	for _, e := range j.epochs {
		records += e.size()
		logs[e.log] = true
		if e.size() == 0 {
			j.report.fault("missing", e.id, "an epoch without records")
		}
		j.collectObservations(e)
	}
	if records == 0 {
		j.report.fault("missing", "", "nothing to check")
	}
	if len(logs) > 1 {
		j.report.fault("forged", "", "epochs of different logs")
	}
	for id, observations := range j.observed {
		for _, seen := range observations {
			j.checkObservation(j.epochs[id], seen)
		}
	}
	for _, e := range j.epochs {
		j.checkEnd(e)
	}
	j.checkCircles()
	j.checkCalls()
}

func (j *journal) collectObservations(e *epoch) {
	for seq, record := range e.records {
		if record == nil {
			continue
		}
		kind := record.text("type")
		if kind == "epoch.observed" && e.records[seq-1].text("type") != "epoch.observed" && seq != 1 {
			e.fault("schema", int64(seq), "epoch.observed is not behind epoch.open")
		}
		if kind != "epoch.open" && kind != "epoch.observed" {
			continue
		}
		for _, item := range record.list("detail", "observed") {
			seen, ok := item.(object)
			if !ok {
				e.fault("schema", int64(seq), "an observation that is no object")
				continue
			}
			id := seen.text("epoch")
			j.observed[id] = append(j.observed[id], observation{
				by: e.id, seq: int64(seq), epoch: id, state: seen.text("state"), size: seen.integer("size"),
				leaf: seen.text("leaf"), tornBytes: seen.integer("torn", "bytes"),
				tornHash: seen.text("torn", "sha256"),
			})
		}
	}
}

func (j *journal) checkObservation(e *epoch, seen observation) {
	switch {
	case e == nil:
		j.report.fault("missing", seen.epoch, "an epoch that %s observed", seen.by)
	case seen.size < 0 || seen.state == "lost":
		j.report.fault("truncated", e.place(max(seen.size, 0)), "%s found less than there was", seen.by)
	case seen.size > e.size():
		j.report.fault("truncated", e.place(e.size()), "%s observed %d records", seen.by, seen.size)
	case seen.size > 1 && seen.size <= e.expired:
	case seen.leaf != e.leafBefore(seen.size):
		j.report.fault("forked", e.place(seen.size), "%s observed another record here", seen.by)
	case seen.size < e.size() && seen.state != "live":
		j.report.fault("unclosed", e.place(seen.size), "records past the end that %s observed", seen.by)
	}
}

// leafBefore is the leaf of the last of so many records, in hex; 64 zeros for none.
func (e *epoch) leafBefore(size int64) string {
	leaf := tlog.Hash{}
	if size > 0 {
		leaf = e.leaves.at(size - 1)
	}
	return hex.EncodeToString(leaf[:])
}

// fixedEnd is an observation that says that the epoch ends where it ends: a signed one if there is one.
func (j *journal) fixedEnd(e *epoch) *observation {
	var end *observation
	for i, seen := range j.observed[e.id] {
		if seen.size != e.size() || seen.state == "live" || seen.leaf != e.leafBefore(seen.size) {
			continue
		}
		if end = &j.observed[e.id][i]; j.isSigned(end) {
			break
		}
	}
	return end
}

// isSigned tells whether the record with the observation is below a checkpoint of its own epoch.
func (j *journal) isSigned(seen *observation) bool {
	return seen != nil && seen.seq < j.epochs[seen.by].signedTo
}

func (j *journal) checkEnd(e *epoch) {
	end := j.fixedEnd(e)
	if last := e.closeRecord(); last != nil {
		if last.integer("detail", "records") != e.size() {
			e.fault("forged", e.size()-1, "epoch.close counts other records")
		}
		if e.signedTo < e.size() && !j.isSigned(end) && !e.headed {
			j.report.fault("unclosed", e.place(e.size()-1), "nothing that is signed covers epoch.close")
		}
	} else if end == nil && e.size() > 0 && !e.headed && e.expired != e.size()-1 {
		j.report.fault("unclosed", e.place(e.size()), "no epoch.close, and nobody observed the end")
	}
	if len(e.torn) == 0 {
		return
	}
	sum := sha256.Sum256(e.torn)
	explained := end != nil && end.tornBytes == int64(len(e.torn)) &&
		end.tornHash == hex.EncodeToString(sum[:])
	if explained {
		j.report.notice("torn", e.place(e.size()), "%d bytes that a crash left", len(e.torn))
	} else {
		j.report.fault("torn", e.place(e.size()), "%d bytes that nobody observed", len(e.torn))
	}
}

// checkCircles refuses epochs that observed each other round about.
func (j *journal) checkCircles() {
	observers := map[string][]string{} // by observer
	for id, observations := range j.observed {
		for _, seen := range observations {
			observers[seen.by] = append(observers[seen.by], id)
		}
	}
	const working, done = 1, 2
	state := map[string]int{}
	var visit func(id string)
	visit = func(id string) {
		state[id] = working
		for _, next := range observers[id] {
			if state[next] == working {
				j.report.fault("forged", id, "observations go in a circle through %s", next)
			} else if state[next] != done {
				visit(next)
			}
		}
		state[id] = done
	}
	for id := range observers {
		if state[id] == 0 {
			visit(id)
		}
	}
}

// checkHeads compares with heads that were kept elsewhere: `<origin> <size> <base64 root>`.
func (j *journal) checkHeads(lines []string) {
	reached := map[string]bool{}
	for _, line := range lines {
		point, err := parseHead(line)
		if err != nil {
			j.report.fault("edited", line, "head: %v", err)
			continue
		}
		id := point.origin[strings.LastIndex(point.origin, "/")+1:]
		e := j.epochs[id]
		if e == nil || e.log+"/"+e.id != point.origin {
			j.report.fault("missing", point.origin, "an epoch that a head names")
			continue
		}
		if point.tree.N > 1 && point.tree.N <= e.expired {
			continue
		}
		if e.size() < point.tree.N {
			j.report.fault("truncated", e.place(e.size()), "a head names %d records", point.tree.N)
			continue
		}
		if root, err := e.leaves.root(point.tree.N); err != nil || root != point.tree.Hash {
			j.report.fault("forked", e.place(point.tree.N), "a head has another root")
			continue
		}
		reached[id] = true
		e.headed = e.headed || point.tree.N == e.size()
	}
	for id := range j.epochs {
		if len(lines) > 0 && !reached[id] {
			j.report.notice("unheaded", id, "no head for this epoch")
		}
	}
}
