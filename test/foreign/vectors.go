// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"golang.org/x/mod/sumdb/tlog"
)

// runVectors checks the files of vectors/ that are about one text each.
func runVectors(folder string) (*report, map[string]int, error) {
	found, counts := &report{}, map[string]int{}
	check := func(file string, index int, name string, expected, actual any) {
		counts[file]++
		if !reflect.DeepEqual(expected, actual) {
			at := fmt.Sprintf("%s %d %s", file, index, name)
			found.fault("vector", at, "expected %v, is %v", expected, actual)
		}
	}
	for name, run := range map[string]func([]byte, checkVector) error{
		"canonical.json": canonicalVectors, "line.json": lineVectors, "note.json": noteVectors,
		"checkpoint.json": checkpointVectors, "certificate.json": certificateVectors,
		"commitments.json": commitmentVectors, "bundle-proofs.json": proofVectors, "journal.json": openingVectors(folder),
	} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, nil, err
		}
		err = run(data, func(i int, what string, expected, actual any) { check(name, i, what, expected, actual) })
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return found, counts, nil
}

type checkVector func(index int, name string, expected, actual any)

const levelsAny = 1000

func canonicalVectors(data []byte, check checkVector) error {
	var file struct {
		Valid []struct{ Name, JSON, Canonical string }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for i, vector := range file.Valid {
		_, err := readCanonical(vector.Canonical, levelsAny)
		check(i, vector.Name, true, err == nil)
		_, err = readCanonical(vector.JSON, levelsAny)
		check(i, vector.Name, vector.JSON == vector.Canonical, err == nil)
	}
	return nil
}

func lineVectors(data []byte, check checkVector) error {
	var file struct {
		Valid   []struct{ Name, Line, Leaf string }
		Refused []struct {
			Name, Check, Line string
			Hex               *string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for i, vector := range file.Valid {
		_, err := readLine([]byte(vector.Line))
		check(i, vector.Name, nil, err)
		leaf := tlog.RecordHash([]byte(vector.Line))
		check(i, vector.Name, vector.Leaf, hex.EncodeToString(leaf[:]))
	}
	for i, vector := range file.Refused {
		line := []byte(vector.Line)
		if vector.Hex != nil {
			var err error
			if line, err = hex.DecodeString(*vector.Hex); err != nil {
				return err
			}
		}
		_, err := readLine(line)
		// What only the schema refuses is a line all the same.
		check(i, vector.Name, vector.Check == "schema", err == nil)
	}
	return nil
}

type namedText struct{ Name, Text string }

func noteVectors(data []byte, check checkVector) error {
	var file struct {
		Key   struct{ VKey string }
		Notes []struct {
			Name, Note, Text string
			Signed           bool
		}
		Malformed []struct{ Name, Note string }
		VKeys     struct {
			Valid     []struct{ VKey string }
			Malformed []string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	key, err := parseKey(file.Key.VKey)
	if err != nil {
		return err
	}
	for i, vector := range file.Notes {
		parsed, err := parseNote(vector.Note)
		if err != nil {
			check(i, vector.Name, nil, err)
			continue
		}
		check(i, vector.Name, vector.Signed, parsed.signedBy(key) == nil)
		if vector.Text != "" {
			check(i, vector.Name, vector.Text, parsed.text)
		}
	}
	for i, vector := range file.Malformed {
		_, err := parseNote(vector.Note)
		check(i, vector.Name, true, err != nil)
	}
	for i, vector := range file.VKeys.Valid {
		_, err := parseKey(vector.VKey)
		check(i, vector.VKey, nil, err)
	}
	for i, text := range file.VKeys.Malformed {
		_, err := parseKey(text)
		check(i, text, true, err != nil)
	}
	return nil
}

func checkpointVectors(data []byte, check checkVector) error {
	var file struct {
		Valid []struct {
			Origin, Root, Text string
			Size               int64
		}
		Malformed []namedText
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for i, vector := range file.Valid {
		point, err := parseCheckpoint(vector.Text)
		if err != nil {
			check(i, vector.Text, nil, err)
			continue
		}
		root := hex.EncodeToString(point.tree.Hash[:])
		check(i, "fields", []any{vector.Origin, vector.Size, vector.Root}, []any{point.origin, point.tree.N, root})
	}
	for i, vector := range file.Malformed {
		_, err := parseCheckpoint(vector.Text)
		check(i, vector.Name, true, err != nil)
	}
	return nil
}

func certificateVectors(data []byte, check checkVector) error {
	var file struct {
		Texts struct {
			Valid     []struct{ Role, Log, VKey, Text string }
			Malformed []namedText
		}
		Chains []struct {
			Name  string
			Claim struct {
				Log, Epoch, VKey, At string
				Certs                []string
			}
			Pinned []string
			Expect struct{ Refused, Pinned, Valid bool }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for i, vector := range file.Texts.Valid {
		cert, err := parseCertificate(vector.Text)
		if err != nil {
			check(i, vector.Role, nil, err)
			continue
		}
		check(i, "fields", []string{vector.Role, vector.Log, vector.VKey}, []string{cert.role, cert.log, cert.key.text})
	}
	for i, vector := range file.Texts.Malformed {
		_, err := parseCertificate(vector.Text)
		check(i, vector.Name, true, err != nil)
	}
	for i, vector := range file.Chains {
		pinned := []*verifierKey{}
		for _, text := range vector.Pinned {
			key, err := parseKey(text)
			if err != nil {
				return err
			}
			pinned = append(pinned, key)
		}
		at, err := parseTime(vector.Claim.At)
		if err != nil {
			return err
		}
		claim := keyClaim{vector.Claim.Log, vector.Claim.Epoch, vector.Claim.VKey, vector.Claim.Certs, at}
		result, err := claim.follow(pinned)
		check(i, vector.Name, vector.Expect.Refused, err != nil)
		if err == nil && !vector.Expect.Refused {
			check(i, vector.Name, vector.Expect.Pinned, result.by != "")
			check(i, vector.Name, vector.Expect.Valid, !result.expired)
		}
	}
	return nil
}

type vectorKey struct{ Kid, Key string }

func commitmentVectors(data []byte, check checkVector) error {
	type body struct {
		Text *string
		Hex  string
	}
	type encoded struct {
		Name, Enc, H string
		Body         *body
	}
	var file struct {
		Keys struct {
			Period, Eq vectorKey
			Subjects   map[string]vectorKey
		}
		Values, Arguments []encoded
		Commitments       []struct {
			Name  string
			Keys  []string
			Place struct {
				Epoch, Pointer string
				Seq            int64
			}
			Commitment struct{ C, Eq string }
			Opening    struct{ H, Salt string }
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	for i, vector := range append(file.Values, file.Arguments...) {
		if vector.Body == nil {
			continue
		}
		bytes, err := hex.DecodeString(vector.Body.Hex)
		if err != nil {
			return err
		}
		if vector.Body.Text != nil {
			bytes = []byte(*vector.Body.Text)
		}
		check(i, vector.Name, vector.H, hex.EncodeToString(contentDigest(vector.Enc, bytes)))
	}
	keys := map[string]vectorKey{"period": file.Keys.Period}
	for name, key := range file.Keys.Subjects {
		keys[name] = key
	}
	for i, vector := range file.Commitments {
		place := place{vector.Place.Epoch, vector.Place.Seq, vector.Place.Pointer}
		salt := make([]byte, sha256.Size)
		for _, name := range vector.Keys {
			if name == "eq" {
				continue
			}
			secret, err := hex.DecodeString(keys[name].Key)
			if err != nil {
				return err
			}
			for at, part := range saltOf(secret, place) {
				salt[at] ^= part
			}
		}
		h, err := hex.DecodeString(vector.Opening.H)
		if err != nil {
			return err
		}
		check(i, vector.Name, vector.Opening.Salt, hex.EncodeToString(salt))
		check(i, vector.Name, vector.Commitment.C, hex.EncodeToString(commit(salt, h, place)))
	}
	return nil
}

func saltOf(secret []byte, place place) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("spanseal/salt/1\x00"))
	mac.Write(place.bytes())
	return mac.Sum(nil)
}

// openingVectors opens every commitment of the journal in this folder.
func openingVectors(folder string) func([]byte, checkVector) error {
	return func(data []byte, check checkVector) error {
		var file struct {
			Openings []struct{ Record, Field, Enc, Salt, Bytes, C string }
		}
		if err := json.Unmarshal(data, &file); err != nil {
			return err
		}
		whole, err := readJournal(filepath.Join(folder, "journal"), &trust{}, nil)
		if err != nil {
			return err
		}
		for i, vector := range file.Openings {
			record := whole.record(vector.Record)
			value, err := base64.StdEncoding.DecodeString(vector.Bytes)
			if err != nil {
				return err
			}
			opened := opening{vector.Field, vector.Enc, vector.Salt, value}
			check(i, vector.Record+vector.Field, nil, opened.check(record))
		}
		return nil
	}
}
