-- From schema 1 to 2: how a fusion was made, and what it cost. The views are made anew afterwards.
alter table fusions add column candidate_order varchar;
alter table fusions add column decoding varchar;
alter table fusions add column tokens_in integer;
alter table fusions add column tokens_out integer;
alter table fusions add column latency_s double;
