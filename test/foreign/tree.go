// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// A proof as JSON; size2 tells one of consistency. Byte strings are base64.
type proofCase struct {
	Desc         string
	LeafIdx      count
	TreeSize     count
	Root         []byte
	LeafHash     []byte
	Size1, Size2 count
	Root1, Root2 []byte
	Proof        [][]byte
	WantErr      bool
}

// A size or an index; -1 where it is none, as 2^64-1 is none here.
type count int64

func (c *count) UnmarshalJSON(text []byte) error {
	value, err := parseInteger(string(text))
	if *c = count(value); err != nil {
		*c = -1
	}
	return nil
}

// proofVectors makes again what bundle-proofs.json lists: roots, proofs, and the paths of tiles.
func proofVectors(data []byte, check checkVector) error {
	var file struct {
		Entries   []string
		Roots     []string
		Inclusion []struct {
			Index, Size int64
			Path        []string
		}
		Consistency []struct {
			First, Second int64
			Proof         []string
		}
		Tiles []struct {
			Level, Width  int
			Index         int64
			Path, Entries string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	tree := &leaves{}
	for size := range int64(len(file.Entries) + 1) {
		root, err := tree.root(size)
		check(int(size), "root", nil, err)
		check(int(size), "root", file.Roots[size], hex.EncodeToString(root[:]))
		if size == int64(len(file.Entries)) {
			break
		}
		if err := tree.add(tlog.RecordHash([]byte(file.Entries[size]))); err != nil {
			return err
		}
	}
	for i, vector := range file.Inclusion {
		proof, err := tlog.ProveRecord(vector.Size, vector.Index, tree)
		check(i, "inclusion", nil, err)
		check(i, "inclusion", vector.Path, hexOf(proof))
	}
	for i, vector := range file.Consistency {
		// sumdb/tlog has no proof from the empty tree; ours is empty.
		proof := tlog.TreeProof{}
		if vector.First > 0 {
			var err error
			proof, err = tlog.ProveTree(vector.Second, vector.First, tree)
			check(i, "consistency", nil, err)
		}
		check(i, "consistency", vector.Proof, hexOf(proof))
	}
	for i, vector := range file.Tiles {
		tile := tlog.Tile{H: tileHeight, L: vector.Level, N: vector.Index, W: vector.Width}
		check(i, "tile", vector.Path, tilePath(tile))
		tile.L = -1
		check(i, "tile", vector.Entries, tilePath(tile))
	}
	return nil
}

func hexOf(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hex.EncodeToString(hash[:]))
	}
	return texts
}

// runTree compares the answers of sumdb/tlog with those that the cases want.
func runTree(path string) (*report, map[string]int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	cases := []proofCase{}
	if err := json.Unmarshal(data, &cases); err != nil {
		return nil, nil, err
	}
	found := &report{}
	for i, proof := range cases {
		if err := proof.check(); (err != nil) != proof.WantErr {
			at := fmt.Sprintf("%d %s", i, proof.Desc)
			found.fault("vector", at, "an error is wanted: %t; is %v", proof.WantErr, err)
		}
	}
	return found, map[string]int{"cases": len(cases)}, nil
}

func (p proofCase) check() error {
	hashes := []tlog.Hash{}
	for _, raw := range append(p.Proof, p.Root, p.LeafHash, p.Root1, p.Root2) {
		if len(raw) != tlog.HashSize && raw != nil {
			return fmt.Errorf("a hash of %d bytes", len(raw))
		}
		hash := tlog.Hash{}
		copy(hash[:], raw)
		hashes = append(hashes, hash)
	}
	proof, ends := hashes[:len(p.Proof)], hashes[len(p.Proof):]
	if p.Root2 != nil {
		if p.Size1 > p.Size2 || p.Size1 < 1 {
			return fmt.Errorf("sizes %d and %d", p.Size1, p.Size2)
		}
		return tlog.CheckTree(proof, int64(p.Size2), ends[3], int64(p.Size1), ends[2])
	}
	if p.LeafIdx < 0 || p.LeafIdx >= p.TreeSize {
		return fmt.Errorf("leaf %d of %d", p.LeafIdx, p.TreeSize)
	}
	return tlog.CheckRecord(proof, int64(p.TreeSize), ends[0], int64(p.LeafIdx), ends[1])
}
