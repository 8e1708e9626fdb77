// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// The hashes of a tree that is built here, leaf by leaf, in the order of sumdb/tlog's storage.
type leaves struct {
	stored []tlog.Hash
	count  int64
}

func (l *leaves) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(l.count, leaf, l)
	if err != nil {
		return err
	}
	l.stored = append(l.stored, hashes...)
	l.count++
	return nil
}

// ReadHashes makes it a tlog.HashReader.
func (l *leaves) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(l.stored)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes[i] = l.stored[index]
	}
	return hashes, nil
}

func (l *leaves) at(index int64) tlog.Hash {
	return l.stored[tlog.StoredHashIndex(0, index)]
}

func (l *leaves) root(size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, l)
}
