BEGIN TRANSACTION;
CREATE TABLE aside (
	run VARCHAR NOT NULL, 
	patient VARCHAR NOT NULL, 
	why VARCHAR NOT NULL, 
	PRIMARY KEY (run, patient)
);
INSERT INTO "aside" VALUES('20260701T000000000000Z','Patient/p2','refused');
CREATE TABLE feedback (
	client VARCHAR NOT NULL, 
	service VARCHAR NOT NULL, 
	card VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR, 
	at VARCHAR NOT NULL, 
	PRIMARY KEY (client, service, card)
);
CREATE TABLE found (
	source VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	what VARCHAR NOT NULL, 
	said VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	PRIMARY KEY (source, base, what)
);
CREATE TABLE names (
	source VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	ours VARCHAR NOT NULL, 
	theirs VARCHAR NOT NULL, 
	PRIMARY KEY (source, base, ours)
);
INSERT INTO "names" VALUES('hospital','http://127.0.0.1:1/fhir','Observation/o1','Observation/77');
CREATE TABLE plans (
	run VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	PRIMARY KEY (run)
);
INSERT INTO "plans" VALUES('20260701T000000000000Z','abc','applied');
CREATE TABLE reviews (
	id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	patient VARCHAR NOT NULL, 
	decision VARCHAR NOT NULL, 
	person VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	decided VARCHAR NOT NULL, 
	until VARCHAR, 
	grounds VARCHAR NOT NULL, 
	level VARCHAR, 
	added JSON NOT NULL, 
	dropped JSON NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE runs (
	run VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	installation VARCHAR NOT NULL, 
	started VARCHAR NOT NULL, 
	stage VARCHAR NOT NULL, 
	PRIMARY KEY (run)
);
INSERT INTO "runs" VALUES('20260701T000000000000Z','hospital','http://127.0.0.1:1/fhir','here','2026-07-01T00:00:00+00:00','apply');
CREATE TABLE tokens_seen (
	issuer VARCHAR NOT NULL, 
	jti VARCHAR NOT NULL, 
	ends FLOAT NOT NULL, 
	PRIMARY KEY (issuer, jti)
);
CREATE TABLE watermarks (
	source VARCHAR NOT NULL, 
	base VARCHAR NOT NULL, 
	type VARCHAR NOT NULL, 
	run VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	PRIMARY KEY (source, base, type)
);
INSERT INTO "watermarks" VALUES('hospital','http://127.0.0.1:1/fhir','Patient','20260701T000000000000Z','2026-07-01T00:00:00+00:00');
CREATE TABLE written (
	id INTEGER NOT NULL, 
	run VARCHAR NOT NULL, 
	patient VARCHAR, 
	resource VARCHAR NOT NULL, 
	action VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	version VARCHAR, 
	"before" BLOB, 
	"after" BLOB, 
	PRIMARY KEY (id)
);
INSERT INTO "written" VALUES(1,'20260701T000000000000Z','Patient/p1','Observation/o1','create','done','1',NULL,X'66');
CREATE INDEX ix_written_state ON written (state);
CREATE INDEX written_by_resource ON written (resource);
CREATE INDEX written_by_patient ON written (run, patient);
CREATE INDEX reviews_by_patient ON reviews (source, patient);
CREATE INDEX ix_tokens_seen_ends ON tokens_seen (ends);
COMMIT;
