// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// The hashes of a tree that is built here, leaf by leaf, by sumdb/tlog's numbers. Sparse, for the
// tree may go on behind leaves that have expired.
type leaves struct {
	stored map[int64]tlog.Hash
	count  int64
}

func (l *leaves) put(index int64, hash tlog.Hash) {
	if l.stored == nil {
		l.stored = map[int64]tlog.Hash{}
	}
	l.stored[index] = hash
}

func (l *leaves) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(l.count, leaf, l)
	if err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, l.count)
	for i, hash := range hashes {
		l.put(first+int64(i), hash)
	}
	l.count++
	return nil
}

// skipTo goes on behind expired leaves, of which the last one and the compact range are known.
func (l *leaves) skipTo(size int64, last tlog.Hash, nodes []tlog.Hash) {
	placeRange(size, func(i int, level int, index int64) {
		l.put(tlog.StoredHashIndex(level, index), nodes[i])
	})
	l.put(tlog.StoredHashIndex(0, size-1), last)
	l.count = size
}

// placeRange visits the perfect subtrees that cover the first size leaves, the largest first.
func placeRange(size int64, visit func(i, level int, index int64)) int {
	count, begin := 0, int64(0)
	for level := 62; level >= 0; level-- {
		if size&(1<<level) == 0 {
			continue
		}
		if visit != nil {
			visit(count, level, begin>>level)
		}
		begin += 1 << level
		count++
	}
	return count
}

// ReadHashes makes it a tlog.HashReader.
func (l *leaves) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hash, known := l.stored[index]
		if !known {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes[i] = hash
	}
	return hashes, nil
}

func (l *leaves) at(index int64) tlog.Hash {
	return l.stored[tlog.StoredHashIndex(0, index)]
}

func (l *leaves) root(size int64) (tlog.Hash, error) {
	return tlog.TreeHash(size, l)
}
