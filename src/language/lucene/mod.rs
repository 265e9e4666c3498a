//! Lucene's query_string syntax, as Elasticsearch and OpenSearch read it.

pub mod print;
