-- From schema 2 to 3: a candidate of which only the quality is known has no text.
alter table candidates alter column text drop not null;
