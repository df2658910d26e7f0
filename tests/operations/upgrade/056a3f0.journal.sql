BEGIN TRANSACTION;
CREATE TABLE entries (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        received INTEGER NOT NULL,       -- microseconds UTC
        connection TEXT NOT NULL,        -- the connection by which it came
        place INTEGER NOT NULL,          -- and the first byte's place in that stream
        source TEXT NOT NULL,            -- the sender, as it calls itself
        control TEXT NOT NULL,           -- MSH-10; '' where there is none
        hash BLOB NOT NULL,              -- SHA-256 of the bytes
        content BLOB NOT NULL,           -- the same without MSH-7: equal when sent again
        state TEXT NOT NULL,             -- what is to become of it, see `State`
        accepted INTEGER NOT NULL,       -- whether the sender was told that we have it
        refers INTEGER,                  -- the entry that it repeats, or whose MSH-10 it uses again
        reason TEXT, detail TEXT, part TEXT,  -- why it is refused whole
        bytes BLOB NOT NULL
    );
INSERT INTO "entries" VALUES(1,1795467783584558,'1795467783580563/1 127.0.0.1:58480',0,'HOSP/LAB','M1',X'5450972B9A4F4C96A6C077DF7EFA6C446D5EA10AA1938108F3517BE632029600',X'1DA9EA607E9C80484A4EB46BA401042EF305C08F068EA32652A99947CBEB3B97','new',1,NULL,NULL,NULL,NULL,X'4D53487C5E7E5C267C4C41427C484F53507C53414C564147457C574152447C32303234303830313130303030302B303030307C7C4F52555E5230315E4F52555F5230317C4D317C507C322E352E317C7C7C7C7C7C554E49434F4445205554462D380D5049447C7C7C3030303031325E5E5E484F53505E4D520D4F42527C317C7C4F5244315E4C41427C50414E454C7C7C7C32303234303830313038303030302B303030307C7C7C7C7C7C7C7C7C7C7C7C7C7C7C7C32303234303830313130303030302B303030300D4F42587C317C4E4D7C3737372D335E5E4C4E7C7C3135307C31302A332F754C7C7C7C7C7C460D');
CREATE TABLE identity (id TEXT NOT NULL);
INSERT INTO "identity" VALUES('50fe05b98c2dfd05226d9c1eb21dbfe3');
CREATE TABLE numbers (source TEXT PRIMARY KEY, expected INTEGER NOT NULL);
CREATE INDEX entries_by_control ON entries (source, control, content)
        WHERE state = 'new' AND accepted;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('entries',1);
COMMIT;
PRAGMA user_version=1;
