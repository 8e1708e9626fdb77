// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

// A second verifier of spanseal's evidence, written from spec/ alone and in another language. It
// shares no code with the packages: notes are opened by golang.org/x/mod/sumdb/note, trees are
// hashed by golang.org/x/mod/sumdb/tlog. It reads, prints one JSON verdict, and exits with 0 (holds),
// 1 (does not) or 2 (could not run).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

const usage = `usage:
  foreign journal <folder> --key <vkey>… [--head "<origin> <size> <root>"]…
                  [--revocation <file>]… [--now <time>]
  foreign bundle <file> --key <vkey>… [--witness <vkey>… --threshold <k>]
                 [--head "<origin> <size> <root>"]… [--revocation <file>]…
  foreign log <folder or JSON file> --key <vkey> [--key <issuer vkey>]… [--witness <vkey>… --threshold <k>]
              [--head "<origin> <size> <root>"]… [--journal <folder>] [--entries any]
              [--revocation <file>]… [--now <time>]
  foreign vectors <folder>
  foreign tree <file with a JSON array of proofs>
`

// Arguments by name; the verb and what it reads stand under "".
type arguments map[string][]string

func parseArguments(args []string) (arguments, error) {
	result := arguments{}
	for i := 0; i < len(args); i++ {
		name, isOption := strings.CutPrefix(args[i], "--")
		if !isOption {
			result[""] = append(result[""], args[i])
			continue
		}
		if i++; i == len(args) {
			return nil, fmt.Errorf("--%s needs a value", name)
		}
		result[name] = append(result[name], args[i])
	}
	if len(result[""]) != 2 {
		return nil, errors.New("a verb and what it shall read")
	}
	return result, nil
}

// pinned are the given keys; none is enough for a bundle that shall only be in its checkpoint.
func (a arguments) pinned() ([]*verifierKey, error) {
	keys := []*verifierKey{}
	for _, text := range a["key"] {
		key, err := parseKey(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (a arguments) keys() ([]*verifierKey, error) {
	keys, err := a.pinned()
	if err == nil && len(keys) == 0 {
		err = errors.New("--key is needed: keys come from elsewhere than what is checked")
	}
	return keys, err
}

// witnesses are the given ones and how many of them have to sign; 0 where none are given.
func (a arguments) witnesses() ([]*witnessKey, int, error) {
	witnesses := []*witnessKey{}
	for _, text := range a["witness"] {
		witness, err := parseWitness(text)
		if err != nil {
			return nil, 0, err
		}
		witnesses = append(witnesses, witness)
	}
	threshold := int64(len(witnesses))
	if given := a["threshold"]; len(given) > 0 {
		var err error
		if threshold, err = parseInteger(given[0]); err != nil {
			return nil, 0, err
		}
	}
	if threshold > int64(len(witnesses)) || threshold == 0 && len(witnesses) > 0 {
		return nil, 0, errors.New("--threshold is from 1 to the number of witnesses")
	}
	return witnesses, int(threshold), nil
}

type verdict struct {
	OK      bool           `json:"ok"`
	Counts  map[string]int `json:"counts"`
	Faults  []finding      `json:"faults"`
	Notices []finding      `json:"notices"`
}

func run(args []string) (*report, map[string]int, error) {
	parsed, err := parseArguments(args)
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, usage)
	}
	switch verb, path := parsed[""][0], parsed[""][1]; verb {
	case "journal":
		return runJournal(path, parsed)
	case "bundle":
		return runBundle(path, parsed)
	case "log":
		return runTenantLog(path, parsed)
	case "vectors":
		return runVectors(path)
	case "tree":
		return runTree(path)
	}
	return nil, nil, errors.New(usage)
}

func runJournal(folder string, args arguments) (*report, map[string]int, error) {
	trust, err := args.trust()
	if err != nil {
		return nil, nil, err
	}
	j, err := readJournal(folder, trust, args["head"])
	if err != nil {
		return nil, nil, err
	}
	counts := map[string]int{
		"epochs": len(j.epochs), "records": 0, "signed": 0, "gaps": 0, "lost": 0, "refused": 0, "glass": 0,
	}
	for _, e := range j.epochs {
		counts["gaps"] += e.admitted.gaps
		counts["lost"] += int(e.admitted.lost)
		counts["refused"] += int(e.admitted.refused)
		counts["glass"] += int(e.admitted.glass)
		counts["records"] += int(e.size())
		counts["signed"] += int(e.signedTo)
	}
	return j.report, counts, nil
}

func main() {
	found, counts, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ok := len(found.faults) == 0
	output := json.NewEncoder(os.Stdout)
	if err := output.Encode(verdict{ok, counts, found.faults, found.notices}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}
