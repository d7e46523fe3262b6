-- Schema 4. Large tables carry no index: the writer keeps their keys by an anti-join inside its
-- transaction (an index over four text columns costs five times the time and space).
create table meta (name varchar primary key, value varchar not null);

create table prompts (
    prompt_id varchar primary key, dataset varchar not null, split varchar not null,
    instruction varchar not null, input varchar not null, reference varchar, category varchar
);
create table llms (
    llm varchar primary key, parameters_b double, usd_per_mtok_in double, usd_per_mtok_out double
);
create table candidates (
    candidate_id varchar not null, prompt_id varchar not null, llm varchar not null,
    text varchar, decoding varchar not null,
    tokens_in integer, tokens_out integer, usd double, latency_s double
);
create table qualities (
    candidate_id varchar not null, measure varchar not null, value double not null
);
create table verdicts (
    prompt_id varchar not null, left_id varchar not null, right_id varchar not null,
    judge varchar not null, verdict varchar not null
);
create table tags (prompt_id varchar not null, tag varchar not null, tagger varchar not null);
create table comparisons (
    ranker varchar not null, prompt_id varchar not null,
    left_id varchar not null, right_id varchar not null, logit float not null
);
create table rankings (
    ranker varchar not null, scheme varchar not null, candidate_id varchar not null,
    prompt_id varchar not null, score double not null, rank integer not null
);
create table fusions (
    fusion_id varchar primary key, fuser varchar not null, ranker varchar, scheme varchar,
    top_k integer not null, prompt_id varchar not null, candidate_ids varchar[] not null,
    text varchar not null,
    candidate_order varchar, decoding varchar,
    tokens_in integer, tokens_out integer, latency_s double
);
create table routes (
    router varchar not null, prompt_id varchar not null, llm varchar not null,
    utility double not null
);
create table trials (
    study varchar, trial integer, state varchar not null, params json not null,
    objectives json, run_id varchar, primary key (study, trial)
);
create table results (
    run_id varchar, system varchar, dataset varchar, split varchar, slice varchar,
    measure varchar, value double not null, low double, high double, n bigint,
    primary key (run_id, system, dataset, split, slice, measure)
);
