// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// Reasons to refuse, with the fault codes of spec/verify.md.
type report struct {
	faults  []finding
	notices []finding
}

type finding struct {
	Code    string `json:"code"`
	At      string `json:"at"`
	Message string `json:"message"`
}

const findingsMax = 1000

func (r *report) fault(code, at, format string, args ...any) {
	if len(r.faults) < findingsMax {
		r.faults = append(r.faults, finding{code, at, fmt.Sprintf(format, args...)})
	}
}

func (r *report) notice(code, at, format string, args ...any) {
	if len(r.notices) < findingsMax {
		r.notices = append(r.notices, finding{code, at, fmt.Sprintf(format, args...)})
	}
}
