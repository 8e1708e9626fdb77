// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// checkCalls: every start has one end, in whichever epoch, and that is like it (spec/record.md).
func (j *journal) checkCalls() {
	ended := map[string]bool{}
	for _, e := range j.epochs {
		for seq, record := range e.records {
			kind, isEnd := strings.CutSuffix(record.text("type"), ".end")
			if !isEnd || kind != "tool" && kind != "task" {
				continue
			}
			place := record.text("invocation", "start")
			start := j.record(place)
			switch {
			case j.hasExpired(place):
			case start == nil:
				j.report.fault("missing", e.place(int64(seq)), "an end of %s, which is not there", place)
			case ended[place]:
				j.report.fault("duplicated", e.place(int64(seq)), "a second end of %s", place)
			case !isLike(kind, start, record):
				j.report.fault("forged", e.place(int64(seq)), "an end unlike its start %s", place)
			}
			ended[place] = true
		}
	}
	for _, e := range j.epochs {
		j.checkUnanswered(e, ended)
	}
}

func isLike(kind string, start, end object) bool {
	if start.text("type") != kind+".start" {
		return false
	}
	for _, key := range []string{"actor", "tool", "authorization"} {
		if !reflect.DeepEqual(start[key], end[key]) {
			return false
		}
	}
	return reflect.DeepEqual(start.at("invocation", "input"), end.at("invocation", "input"))
}

// hasExpired tells whether a stub stands for the record.
func (j *journal) hasExpired(place string) bool {
	id, digits, _ := strings.Cut(place, "/")
	seq, err := parseInteger(digits)
	e := j.epochs[id]
	return err == nil && e != nil && seq > 0 && seq <= e.expired
}

func (j *journal) record(place string) object {
	id, digits, _ := strings.Cut(place, "/")
	seq, err := parseInteger(digits)
	e := j.epochs[id]
	if err != nil || e == nil || seq >= int64(len(e.records)) {
		return nil
	}
	return e.records[seq]
}

func (j *journal) checkUnanswered(e *epoch, ended map[string]bool) {
	last := e.closeRecord()
	for seq, record := range e.records {
		kind := record.text("type")
		place := e.id + "/" + strconv.Itoa(seq)
		if kind != "tool.start" && kind != "task.start" || ended[place] {
			continue
		}
		explained := last == nil && j.fixedEnd(e) != nil ||
			last != nil && slices.Contains(last.list("detail", "open"), any(place)) ||
			last != nil && last.integer("detail", "open_more") > 0
		if explained {
			j.report.notice("unanswered", place, "a call without an end")
		} else {
			j.report.fault("unanswered", place, "%s", fmt.Sprintf("a %s without an end", kind))
		}
	}
}
