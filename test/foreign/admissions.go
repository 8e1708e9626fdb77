// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

// What a log says against itself (spec/record.md).
type admissions struct {
	gaps    int
	lost    int64 // records that could not be written
	refused int64 // calls that were not made for it
	glass   int64 // tools that ran although their intent could not be made durable
}

// checkAdmission counts what a gap says, which has to add up. An integer that is not there is -1.
func (e *epoch) checkAdmission(seq int64, record object) {
	switch record.text("type") {
	case "breakglass.close":
		e.admitted.glass += max(record.integer("detail", "calls"), 0)
	case "gap":
		lost, refused := max(record.integer("detail", "records"), 0), max(record.integer("detail", "refused"), 0)
		e.admitted.gaps++
		e.admitted.lost += lost
		e.admitted.refused += refused
		e.report.notice("gap", e.place(seq), "%d records could not be written, %d calls were not made (%s)",
			lost, refused, record.text("detail", "reason"))
		var byType int64
		types, _ := record.at("detail", "types").(object)
		for kind := range types {
			byType += max(types.integer(kind), 0)
		}
		if byType != lost || lost+refused == 0 {
			e.fault("forged", seq, "a gap of %d records, %d by their types", lost, byType)
		}
	}
}
