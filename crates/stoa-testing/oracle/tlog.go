package main

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// hashes are the stored ones of a log.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var list []tlog.Hash
	for _, index := range indexes {
		list = append(list, h[index])
	}
	return list, nil
}

func (h *hashes) add(number int64, data string) {
	stored, err := tlog.StoredHashes(number, []byte(data), *h)
	check(err)
	*h = append(*h, stored...)
}

// leaf is the text of a record of the log of a hundred, with %d for its number.
const leaf = "record %d of a log"

func tlogFamily() any {
	r := newRandom(10)
	tree, log100 := tree100()
	recordProofs, treeProofs := []object{}, []object{}
	for range 120 {
		size := 1 + r.Int64N(100)
		record, older := r.Int64N(size), 1+r.Int64N(size)
		proof, err := tlog.ProveRecord(size, record, log100)
		check(err)
		recordProofs = append(recordProofs, object{"tree_size": size, "record": record, "proof": hashTexts(proof)})
		treeProof, err := tlog.ProveTree(size, older, log100)
		check(err)
		treeProofs = append(treeProofs, object{"tree_size": size, "older_size": older, "proof": hashTexts(treeProof)})
	}
	newTiles := []object{}
	for range 60 {
		height, older := 1+r.IntN(10), r.Int64N(one[int64](r, 10, 1000, 60000))
		newer := older + r.Int64N(one[int64](r, 2, 300, 3000))
		tiles := []string{}
		for _, tile := range tlog.NewTiles(height, older, newer) {
			tiles = append(tiles, tile.Path())
		}
		newTiles = append(newTiles, object{"h": height, "old": older, "new": newer, "tiles": tiles})
	}
	return object{
		"tree100": tree, "record_proofs": recordProofs, "tree_proofs": treeProofs, "new_tiles": newTiles,
		"tile_paths": each(tilePaths(r), tilePath), "format_record": each(recordTexts(r), formatRecord),
		"parse_record": each(recordMessages(r), parseRecord), "parse_tree": each(treeTexts(r), parseTree),
	}
}

func hashTexts[H ~[]tlog.Hash](list H) []string {
	texts := []string{}
	for _, hash := range list {
		texts = append(texts, hash.String())
	}
	return texts
}

func tree100() (object, hashes) {
	var log hashes
	var records, trees []string
	tiles := object{}
	for number := range int64(100) {
		data := strings.ReplaceAll(leaf, "%d", fmt.Sprint(number))
		log.add(number, data)
		records = append(records, tlog.RecordHash([]byte(data)).String())
		tree, err := tlog.TreeHash(number+1, log)
		check(err)
		trees = append(trees, tree.String())
		for _, tile := range tlog.NewTiles(2, number, number+1) {
			content, err := tlog.ReadTileData(tile, log)
			check(err)
			tiles[tile.Path()] = base64.StdEncoding.EncodeToString(content)
		}
	}
	return object{"leaf_data": leaf, "record_hashes": records, "tree_hash_after_n_plus_1": trees, "tiles_h2": tiles}, log
}

func tilePaths(r random) []string {
	list := []string{
		"", "tile", "tile/8", "tile/8/0", "tile/8/0/", "tile/8/0/000", "tile/8/0/000/", "/tile/8/0/000", "tile/8/data/000", "tile/8/-1/000",
		"tile/8/00/000", "tile/08/0/000", "tile/8/0/0", "tile/8/0/00", "tile/8/0/0000", "tile/8/0/x000/000", "tile/8/0/x001/000",
		"tile/8/0/x001/x002/003", "tile/8/0/001/002", "tile/8/0/x001", "tile/8/0/000.p/1", "tile/8/0/000.p/255", "tile/8/0/000.p/256",
		"tile/8/0/000.p/0", "tile/8/0/000.p/01", "tile/8/0/000.p/-1", "tile/8/0/000.p/", "tile/8/0/000.p", "tile/8/0/000.p/1/2",
		"tile/8/0/x001/002.p/3", "tile/0/0/000", "tile/1/0/000", "tile/30/0/000", "tile/31/0/000", "tile/8/62/000", "tile/8/63/000",
		"tile/8/64/000", "tile/8/0/999", "tile/8/0/x999/x999/999", "tile/8/0/-01", "tile/8/0/+01", "tile/8/0/0x1", "Tile/8/0/000",
		"tile/8/DATA/000", "tile/8/0/000.P/1", "tile/8/data/000.p/12", "tile/8/data/x123/456", "tile/+8/0/000", "tile/8/ 0/000", "tile/8/0/١٢٣",
	}
	for range 150 {
		tile := tlog.Tile{H: 1 + r.IntN(12), L: r.IntN(8) - 1, N: r.Int64N(one[int64](r, 1000, 3000000, 1<<40)), W: 0}
		tile.W = 1 + r.IntN(1<<tile.H)
		path := tile.Path()
		if r.odds(2) {
			path = r.spoil(path, "0123456789/x.p-da")
		}
		list = append(list, path)
	}
	return without(list)
}

func tilePath(path string) object {
	tile, err := tlog.ParseTilePath(path)
	answer := object{"path": path, "ok": err == nil}
	if err == nil {
		answer["H"], answer["L"], answer["N"], answer["W"], answer["canonical"] = tile.H, tile.L, tile.N, tile.W, tile.Path()
	}
	return answer
}

func recordTexts(r random) []string {
	list := []string{
		"", "\n", "a", "a\n", "a\nb\n", "a\n\nb\n", "\na\n", "a\n\n", "a\tb\n", "a\x00b\n", "a\x1fb\n", "a\x7fb\n", "é\n", "a\rb\n", "\u2028\n",
		"a v1.0.0 h1:x\na v1.0.0/go.mod h1:y\n",
	}
	for range 30 {
		list = append(list, r.letters("ab \n\n\té\x01", 1, 8))
	}
	return without(list)
}

func formatRecord(content string) object {
	id := int64(len(content)) * 123456789
	formatted, err := tlog.FormatRecord(id, []byte(content))
	answer := object{"id": id, "text": content, "ok": err == nil}
	if err == nil {
		answer["formatted"] = string(formatted)
	}
	return answer
}

func recordMessages(r random) []string {
	list := []string{
		"", "\n", "1", "1\n", "1\n\n", "1\na\n", "1\na\n\n", "1\na\n\nrest", "1\na\n\n\xff\x00", "0\na\n\n", "-1\na\n\n", "+1\na\n\n", "01\na\n\n",
		"x\na\n\n", "9223372036854775807\na\n\n", "9223372036854775808\na\n\n", " 1\na\n\n", "1 \na\n\n", "1\n\na\n\n", "1\na\x01\n\n",
		"1\na\xff\n\n", "1\na\nb\n\nc\n\n", "1\r\na\n\n", "1\na\r\n\r\n",
	}
	for range 60 {
		list = append(list, r.spoil("12\na v1 h1:x\na v1/go.mod h1:y\n\nrest\n", "\n 0x\x01-"))
	}
	return without(list)
}

func parseRecord(message string) object {
	id, content, rest, err := tlog.ParseRecord([]byte(message))
	answer := object{"in_b64": base64.StdEncoding.EncodeToString([]byte(message)), "ok": err == nil}
	if err == nil {
		answer["id"], answer["text"], answer["rest_b64"] = id, string(content), base64.StdEncoding.EncodeToString(rest)
	}
	return answer
}

func treeTexts(r random) []string {
	hash := tlog.RecordHash([]byte("a tree")).String()
	good := "go.sum database tree\n17\n" + hash + "\n"
	list := []string{
		good, good + "more\n", good + "more", strings.TrimSuffix(good, "\n"), "", "\n", strings.Replace(good, "17", "0", 1),
		strings.Replace(good, "17", "-1", 1), strings.Replace(good, "17", "017", 1), strings.Replace(good, "17", "+17", 1),
		strings.Replace(good, "17", "9223372036854775807", 1), strings.Replace(good, "17", "9223372036854775808", 1),
		strings.Replace(good, "17", "", 1), strings.Replace(good, "\n", "\r\n", -1), strings.Replace(good, "=", "", 1), "x" + good,
		strings.Replace(good, hash, hash+"=", 1), strings.Replace(good, hash, hash[:40], 1), strings.Replace(good, hash, " "+hash, 1),
	}
	for range 60 {
		list = append(list, r.spoil(good, "\n 0x=-"))
	}
	return without(list)
}

func parseTree(head string) object {
	tree, err := tlog.ParseTree([]byte(head))
	answer := object{"in": head, "ok": err == nil}
	if err == nil {
		answer["N"], answer["hash"] = tree.N, tree.Hash.String()
	}
	return answer
}
