// SPDX-FileCopyrightText: The spanseal authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// A tenant log as it lies on disk, to be served statically (C2SP tlog-tiles).
type tenantLog struct {
	folder  string
	name    string
	point   *checkpoint
	entries [][]byte
	leaves  leaves
	report  *report
	// A log of somebody else, whose entries are none of ours.
	anyEntries bool
	isFile     bool
	trust      *trust
	// By epoch: what the entries say of it.
	epochs map[string]*sealedEpoch
}

type sealedEpoch struct {
	certificate string // whole note
	points      []*checkpoint
}

// A log as one file, for what is not served as tiles.
type logFile struct {
	Checkpoint string
	Entries    []string
}

func runTenantLog(path string, args arguments) (*report, map[string]int, error) {
	trust, err := args.trust()
	if err != nil {
		return nil, nil, err
	}
	witnesses, threshold, err := args.witnesses()
	if err != nil {
		return nil, nil, err
	}
	l := &tenantLog{folder: path, report: &report{}, epochs: map[string]*sealedEpoch{}, trust: trust}
	l.anyEntries = len(args["entries"]) > 0 && args["entries"][0] == "any"
	text, err := l.open()
	if err != nil {
		return nil, nil, err
	}
	l.name = trust.pinned[0].name
	if strings.HasPrefix(l.name, "localhost/") {
		l.report.fault("forged", "checkpoint", "a log of that name cannot have a tenant log")
	}
	point, parsed, err := readCheckpoint(text, l.name, trust.pinned[0])
	if err != nil {
		l.report.fault("forged", "checkpoint", "%v", err)
		return l.report, nil, nil
	}
	l.point = point
	if err := l.check(); err != nil {
		l.report.fault("edited", "tile", "%v", err)
	}
	if len(l.entries) == int(point.tree.N) {
		l.checkHeads(args["head"])
	}
	if cosigned := countCosigned(parsed, witnesses); cosigned < threshold {
		l.report.fault("unsigned", "checkpoint", "%d of %d witnesses cosigned", cosigned, threshold)
	}
	for _, path := range args["journal"] {
		whole, err := readJournal(path, trust, l.headsOfEpochs(args["head"]))
		if err != nil {
			return nil, nil, err
		}
		l.report.faults = append(l.report.faults, whole.report.faults...)
		l.report.notices = append(l.report.notices, whole.report.notices...)
		l.checkJournal(whole)
	}
	counts := map[string]int{"entries": len(l.entries), "epochs": len(l.epochs)}
	return l.report, counts, nil
}

// open returns the checkpoint, and reads the entries where all is one file.
func (l *tenantLog) open() (string, error) {
	if status, err := os.Stat(l.folder); err != nil || status.IsDir() {
		text, err := os.ReadFile(filepath.Join(l.folder, "checkpoint"))
		return string(text), err
	}
	data, err := os.ReadFile(l.folder)
	if err != nil {
		return "", err
	}
	var file logFile
	if err := json.Unmarshal(data, &file); err != nil {
		return "", err
	}
	l.isFile = true
	for _, entry := range file.Entries {
		l.entries = append(l.entries, []byte(entry))
	}
	return file.Checkpoint, nil
}

// headsOfEpochs are the given heads that are not the tenant log's.
func (l *tenantLog) headsOfEpochs(lines []string) []string {
	others := []string{}
	for _, line := range lines {
		if !strings.HasPrefix(line, l.name+" ") {
			others = append(others, line)
		}
	}
	return others
}

// check makes the tree again: from every entry, and from every tile.
func (l *tenantLog) check() error {
	size := l.point.tree.N
	if !l.isFile {
		if err := l.readAllEntries(); err != nil {
			return err
		}
	}
	if int64(len(l.entries)) < size {
		l.report.fault("truncated", "entries", "%d of %d entries", len(l.entries), size)
		return nil
	}
	l.entries = l.entries[:size]
	for _, entry := range l.entries {
		if err := l.leaves.add(tlog.RecordHash(entry)); err != nil {
			return err
		}
	}
	if root, err := l.leaves.root(size); err != nil || root != l.point.tree.Hash {
		l.report.fault("forged", "entries", "they have another root than the checkpoint")
		return err
	}
	if !l.isFile {
		if err := l.checkTiles(); err != nil {
			return err
		}
	}
	if err := l.checkGrowth(); err != nil || l.anyEntries {
		return err
	}
	for index, entry := range l.entries {
		if err := l.checkEntry(int64(index), string(entry)); err != nil {
			l.report.fault("forged", fmt.Sprintf("entry %d", index), "%v", err)
		}
	}
	return nil
}

func (l *tenantLog) readAllEntries() error {
	size := l.point.tree.N
	for index := int64(0); index < size; index += 256 {
		entries, err := l.readEntries(index/256, int(min(256, size-index)))
		if err != nil {
			return err
		}
		l.entries = append(l.entries, entries...)
	}
	return nil
}

// reader gives hashes from the tiles, each verified against the checkpoint.
func (l *tenantLog) reader() tlog.HashReader {
	if l.isFile {
		return &l.leaves
	}
	return tlog.TileHashReader(l.point.tree, l)
}

// readEntries reads a bundle of entries: each its length in two bytes, then its bytes.
func (l *tenantLog) readEntries(number int64, width int) ([][]byte, error) {
	path := tilePath(tlog.Tile{H: tileHeight, L: -1, N: number, W: width})
	data, full, err := l.readWide(path, width)
	if err != nil {
		return nil, err
	}
	entries := [][]byte{}
	for len(entries) < width {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s ends too early", path)
		}
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			return nil, fmt.Errorf("%s ends within an entry", path)
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(data) > 0 && (!full || width == 256) {
		return nil, fmt.Errorf("%s goes on behind its entries", path)
	}
	return entries, nil
}

// tilePath maps sumdb/tlog's paths to C2SP's: those have the height in front and call entries data.
func tilePath(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return filepath.Join("tile", strings.Replace(path, "data/", "entries/", 1))
}

// readWide reads a tile or bundle; where a partial one is gone the full one may stand in for it.
func (l *tenantLog) readWide(path string, width int) ([]byte, bool, error) {
	data, err := os.ReadFile(filepath.Join(l.folder, path))
	if errors.Is(err, os.ErrNotExist) && width < 256 {
		whole := strings.TrimSuffix(path, fmt.Sprintf(".p/%d", width))
		data, err = os.ReadFile(filepath.Join(l.folder, whole))
		return data, true, err
	}
	return data, width == 256, err
}

// Height, ReadTiles and SaveTiles make it a tlog.TileReader.
func (l *tenantLog) Height() int { return tileHeight }

func (l *tenantLog) SaveTiles([]tlog.Tile, [][]byte) {}

func (l *tenantLog) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	result := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data, full, err := l.readWide(tilePath(tile), tile.W)
		if err != nil {
			return nil, err
		}
		length := tile.W * tlog.HashSize
		if len(data) < length || !full && len(data) != length {
			return nil, fmt.Errorf("tile %s has %d bytes", tile.Path(), len(data))
		}
		result[i] = data[:length]
	}
	return result, nil
}

// checkTiles compares every tile with the tree that the entries make.
func (l *tenantLog) checkTiles() error {
	for _, tile := range tlog.NewTiles(tileHeight, 0, l.point.tree.N) {
		expected, err := tlog.ReadTileData(tile, &l.leaves)
		if err != nil {
			return err
		}
		actual, err := l.ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		if !bytes.Equal(expected, actual[0]) {
			return fmt.Errorf("tile %s holds other hashes", tile.Path())
		}
	}
	return nil
}

// checkGrowth proves from the tiles, for sizes spread over the log, that it only grew.
func (l *tenantLog) checkGrowth() error {
	size := l.point.tree.N
	reader := l.reader()
	for old := int64(1); old <= size; old += max(1, size/64) {
		root, err := l.leaves.root(old)
		if err != nil {
			return err
		}
		if err := l.checkConsistent(reader, tlog.Tree{N: old, Hash: root}); err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(size, old-1, reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(l.entries[old-1])
		if err := tlog.CheckRecord(proof, size, l.point.tree.Hash, old-1, leaf); err != nil {
			return err
		}
	}
	return nil
}

func (l *tenantLog) checkConsistent(reader tlog.HashReader, old tlog.Tree) error {
	proof, err := tlog.ProveTree(l.point.tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, l.point.tree.N, l.point.tree.Hash, old.N, old.Hash)
}

// checkHeads compares with heads of this log that were kept elsewhere.
func (l *tenantLog) checkHeads(lines []string) {
	for _, line := range lines {
		head, err := parseHead(line)
		switch {
		case err != nil:
			l.report.fault("edited", line, "%v", err)
		case strings.HasPrefix(head.origin, l.name+"/"):
		case head.origin != l.name:
			l.report.fault("missing", line, "a head of another tenant log")
		case head.tree.N > l.point.tree.N:
			l.report.fault("truncated", line, "the log has only %d entries", l.point.tree.N)
		case head.tree.N > 0:
			if err := l.checkConsistent(l.reader(), head.tree); err != nil {
				l.report.fault("forked", line, "%v", err)
			}
		}
	}
}
