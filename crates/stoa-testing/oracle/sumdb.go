package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
)

// records is how many the database has: one full tile and one that is begun.
const records = 300

// database is a server of modules whose lines are sums of their names. It takes no further module when it is full.
func database(secret string) *sumdb.TestServer {
	free := records
	return sumdb.NewTestServer(secret, func(path, version string) ([]byte, error) {
		if free == 0 {
			return nil, os.ErrNotExist
		}
		free--
		sum := func(what string) string {
			hash := sha256.Sum256([]byte(what))
			return base64.StdEncoding.EncodeToString(hash[:])
		}
		name := path + " " + version
		return fmt.Appendf(nil, "%s h1:%s\n%s/go.mod h1:%s\n", name, sum(name), name, sum(name+"/go.mod")), nil
	})
}

// recorded is the module of a record: every tenth has upper case letters, every seventh another version.
func recorded(number int) module.Version {
	m := module.Version{Path: fmt.Sprintf("example.com/m%d", number), Version: "v1.0.0"}
	if number%10 == 5 {
		m.Path = fmt.Sprintf("example.com/Upper/M%d", number)
	}
	switch number % 7 {
	case 3:
		m.Version = "v0.0.0-20200102030405-abcdefabcdef"
	case 4:
		m.Version = "v2.0.0-RC.1+incompatible"
	}
	return m
}

func sumdbFamily() any {
	vkey, secret := key("sum.stoa.example", "a database")
	ops := database(secret)
	paths := []string{
		"/latest", "/latest/", "/lookup/", "/lookup", "/", "/supported", "/tile/", "/tile", "/lookup/example.com/missing@v1.0.0",
		"/lookup/example.com/m1@v1", "/lookup/example.com/m1", "/lookup/example.com/m1@", "/lookup/example.com/M1@v1.0.0",
		"/lookup/example.com/!m!1@v1.0.0", "/lookup/example.com/m1@v1.0.0/go.mod", "/lookup/example.com/m1@main",
		"/lookup/example.com/m1@v1.0.0-RC", "/lookup/@v1.0.0", "/lookup/m1@v1.0.0@v1.0.0",
		"/lookup/example.com/m1@v1.0.0+meta", "/tile/8/0/x", "/tile/8/0/000.p/256", "/tile/8/0/000", "/tile/8/data/000",
		"/tile/8/0/001.p/44", "/tile/8/data/001.p/44", "/tile/8/1/000.p/1", "/tile/8/0/000.p/17", "/tile/8/data/000.p/3",
		"/tile/8/0/001.p/7", "/tile/8/data/001.p/1", "/tile/4/0/000", "/tile/4/1/000", "/tile/4/0/018.p/12", "/tile/2/3/000",
	}
	for number := range records {
		m := recorded(number)
		_, err := ops.Lookup(context.Background(), m)
		check(err)
		if number%10 == 5 || number < 8 || number > 253 && number < 259 || number == records-1 {
			path, err := module.EscapePath(m.Path)
			check(err)
			version, err := module.EscapeVersion(m.Version)
			check(err)
			paths = append(paths, "/lookup/"+path+"@"+version)
		}
	}
	server := sumdb.NewServer(ops)
	return object{"records": records, "vkey": vkey, "transcript": each(without(paths), func(path string) object {
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		return object{
			"path": path, "status": answer.Code, "content_type": answer.Header().Get("Content-Type"),
			"body_b64": base64.StdEncoding.EncodeToString(answer.Body.Bytes()),
		}
	})}
}
