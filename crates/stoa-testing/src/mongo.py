"""A stand-in for a MongoDB server: the wire protocol over collections in memory.

    python3 fake.py

Listens on a port of 127.0.0.1 that is free, prints it, and ends with its standard input. It knows the commands that the
storage uses. One command is done at a time, so that unique keys are unique whoever asks. `configureFailPoint` works as
on a real server, for `failCommand`; `skip` lets so many commands pass first.
"""

import datetime
import socket
import struct
import sys
import threading

import bson
import mongomock
import pymongo.errors
from bson.codec_options import CodecOptions

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CODEC = CodecOptions(tz_aware=False)
CLIENT = mongomock.MongoClient()
LOCK = threading.Lock()
FAIL = {}


def hello(_database, _command):
    return {
        "helloOk": True, "ismaster": True, "isWritablePrimary": True, "maxBsonObjectSize": 16 << 20,
        "maxMessageSizeBytes": 48_000_000, "maxWriteBatchSize": 100_000, "localTime": datetime.datetime.now(datetime.timezone.utc),
        "minWireVersion": 0, "maxWireVersion": 21, "readOnly": False,
    }


def cursor(database, name, documents):
    return {"cursor": {"id": bson.Int64(0), "ns": f"{database.name}.{name}", "firstBatch": list(documents)}}


def find(database, command):
    found = database[command["find"]].find(command.get("filter") or {}, command.get("projection"))
    if command.get("sort"):
        found = found.sort(list(command["sort"].items()))
    return cursor(database, command["find"], found.limit(command.get("limit", 0)))


def aggregate(database, command):
    return cursor(database, command["aggregate"], database[command["aggregate"]].aggregate(command["pipeline"]))


def insert(database, command):
    count, errors = 0, []
    for index, document in enumerate(command["documents"]):
        if len(bson.encode(document)) > 16 << 20:
            return {"ok": 0.0, "code": 10334, "codeName": "BSONObjectTooLarge", "errmsg": "object to insert too large"}
        try:
            database[command["insert"]].insert_one(document)
            count += 1
        except pymongo.errors.DuplicateKeyError as error:
            errors.append({"index": index, "code": 11000, "errmsg": str(error)})
            break
    return {"n": count, **({"writeErrors": errors} if errors else {})}


def update(database, command):
    matched = 0
    for change in command["updates"]:
        done = database[command["update"]].update_one(change["q"], change["u"], upsert=change.get("upsert", False))
        matched += done.matched_count or int(done.upserted_id is not None)
    return {"n": matched, "nModified": matched}


def delete(database, command):
    count = 0
    for change in command["deletes"]:
        collection = database[command["delete"]]
        many = collection.delete_many if change["limit"] == 0 else collection.delete_one
        count += many(change["q"]).deleted_count
    return {"n": count}


def find_and_modify(database, command):
    if len(bson.encode(command["update"])) > 16 << 20:
        return {"ok": 0.0, "code": 10334, "codeName": "BSONObjectTooLarge", "errmsg": "object to insert too large"}
    older = database[command["findAndModify"]].find_one_and_replace(
        command["query"], command["update"], upsert=command.get("upsert", False))
    return {"value": older, "lastErrorObject": {"n": 1, "updatedExisting": older is not None}}


def create_indexes(database, command):
    for index in command["indexes"]:
        database[command["createIndexes"]].create_index(
            list(index["key"].items()), unique=index.get("unique", False), name=index["name"])
    return {"numIndexesBefore": 1, "numIndexesAfter": 2}


def fail_point(_database, command):
    FAIL.clear()
    if command["mode"] != "off":
        FAIL.update(command["data"], times=command["mode"]["times"])
    return {}


def nothing(_database, _command):
    return {}


COMMANDS = {
    "hello": hello, "isMaster": hello, "ismaster": hello, "ping": nothing, "endSessions": nothing, "killCursors": nothing,
    "find": find, "aggregate": aggregate, "insert": insert, "update": update, "delete": delete,
    "findAndModify": find_and_modify, "createIndexes": create_indexes, "configureFailPoint": fail_point,
}


def answer(command):
    """The reply to a command; None to hang up."""
    name = next(iter(command))
    if name not in COMMANDS:
        return {"ok": 0.0, "code": 59, "codeName": "CommandNotFound", "errmsg": f"no such command: {name}"}
    with LOCK:
        is_meant = FAIL.get("times", 0) > 0 and name in FAIL["failCommands"]
        if is_meant and FAIL.get("skip", 0) > 0:
            FAIL["skip"] -= 1
        elif is_meant:
            FAIL["times"] -= 1
            if FAIL.get("closeConnection"):
                return None
            return {"ok": 0.0, "code": FAIL["errorCode"], "errmsg": "told to fail"}
        try:
            return {"ok": 1.0, **COMMANDS[name](CLIENT[command.get("$db", "admin")], command)}
        except pymongo.errors.DuplicateKeyError as error:
            return {"ok": 0.0, "code": 11000, "codeName": "DuplicateKey", "errmsg": str(error)}


def read(stream, count):
    data = bytearray()
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return bytes(data)


def sections(body):
    """The command of an OP_MSG, with its sequences of documents in their fields."""
    command, at = {}, 4
    while at < len(body):
        kind, at = body[at], at + 1
        size = struct.unpack_from("<i", body, at)[0]
        if kind == 0:
            command = {**bson.decode(body[at:at + size], CODEC), **command}
        else:
            end = body.index(b"\0", at + 4)
            command[body[at + 4:end].decode()] = bson.decode_all(body[end + 1:at + size], CODEC)
        at += size
    return command


def first(command):
    """The same with its name in front, as a sequence may have come before it."""
    name = next(key for key in command if key in COMMANDS or key not in ("documents", "updates", "deletes"))
    return {name: command[name], **command}


def serve(stream):
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while True:
            length, request, _, opcode = struct.unpack("<iiii", read(stream, 16))
            body = read(stream, length - 16)
            if opcode == OP_MSG:
                reply = answer(first(sections(body)))
                head = None if reply is None else struct.pack("<iB", 0, 0)
                code = OP_MSG
            else:
                start = body.index(b"\0", 4) + 9
                reply = answer(bson.decode(body[start:start + struct.unpack_from("<i", body, start)[0]], CODEC))
                head, code = struct.pack("<iqii", 8, 0, 0, 1), OP_REPLY
            if head is None or reply is None:
                return
            data = head + bson.encode(reply)
            stream.sendall(struct.pack("<iiii", 16 + len(data), 0, request, code) + data)
    except (ConnectionError, OSError):
        pass
    finally:
        stream.close()


def accept(listener):
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=serve, args=(stream,), daemon=True).start()


def main():
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    threading.Thread(target=accept, args=(listener,), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


main()
