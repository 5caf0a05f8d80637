//! One benchmark for each pure step of a call, by the names that the reports use.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mcp_bench_micro::{call, hostile_schemas, legacy_call, tools};
use mcp_openai_bridge::{
    names::{Identity, NameTable, Prefix},
    schema,
    tools::ToolSet,
};
use mcp_transport::{
    Limits,
    era::{Served, classify},
    sse::{SseDecoder, encode_event},
};
use mcp_types::{CallToolRequestParams, CallToolResult, Message, RawJson, RequestId, rpc};

fn scan(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("scan");
    for (name, size) in [("32 B", 32), ("64 KiB", 64 << 10), ("4 MiB", 4 << 20)] {
        let text = call(size);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| RawJson::parse(black_box(text.clone()))));
    }
    group.finish();
}

fn envelope(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("envelope");
    for (name, text) in [("read, modern", call(32)), ("read, legacy", legacy_call()), ("read, 64 KiB", call(64 << 10))]
    {
        group.bench_function(name, |bench| bench.iter(|| Message::parse(black_box(text.clone()))));
    }
    let (id, result) = (RequestId::from(1_000_000), CallToolResult::text("0123456789abcdef0123456789abcdef"));
    group.bench_function("write an answer", |bench| {
        let mut out = BytesMut::with_capacity(1024);
        bench.iter(|| {
            out.clear();
            let result = RawJson::encode(black_box(&result)).expect("a result is JSON");
            rpc::response(&mut out, &id, &result);
            out.len()
        });
    });
    group.finish();
}

fn routing(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("routing");
    let served = Served::default();
    for (name, text) in [("modern", call(32)), ("legacy", legacy_call())] {
        let message = Message::parse(text).expect("it is a message");
        group.bench_function(name, |bench| bench.iter(|| classify(black_box(&message), None, &served)));
        let Message::Request(request) = message else { continue };
        group.bench_function(format!("parameters, {name}"), |bench| {
            bench.iter(|| black_box(&request.params).decode::<CallToolRequestParams>());
        });
    }
    group.finish();
}

fn sse(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("sse");
    let data = call(32);
    group.bench_function("write", |bench| {
        let mut out = BytesMut::with_capacity(4096);
        bench.iter(|| {
            out.clear();
            encode_event(&mut out, None, None, Some("message"), black_box(&data));
            out.len()
        });
    });
    let mut events = BytesMut::new();
    for _ in 0..EVENTS {
        encode_event(&mut events, None, None, Some("message"), &data);
    }
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("read", |bench| {
        bench.iter(|| {
            let mut decoder = SseDecoder::new(&Limits::default());
            decoder.extend(black_box(&events));
            let mut read = 0;
            while decoder.next_event().expect("the events are whole").is_some() {
                read += 1;
            }
            assert_eq!(read, EVENTS);
        });
    });
    group.finish();
}

fn names(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("names");
    for count in [10, 100, 1_000] {
        let tools = tools(count);
        let identities: Vec<_> = tools.iter().map(|tool| Identity::new("library", &tool.name)).collect();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} tools"), |bench| {
            bench.iter(|| NameTable::new(black_box(&identities), Prefix::Always, &Default::default()));
        });
    }
    group.finish();
}

fn conversion(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("conversion");
    let limits = schema::Limits::default();
    let usual = tools(1).remove(0).input_schema;
    group.bench_function("a usual schema", |bench| bench.iter(|| schema::convert(black_box(&usual), &limits)));
    let hostile = hostile_schemas();
    group.bench_function("the hostile schemas", |bench| {
        bench.iter(|| hostile.iter().filter(|schema| schema::convert(black_box(schema), &limits).is_ok()).count());
    });
    for count in [10, 100] {
        let tools = tools(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("a set of {count} tools"), |bench| {
            bench.iter(|| ToolSet::builder().server("library", black_box(&tools)).build());
        });
    }
    group.finish();
}

/// How many events one reading reads.
const EVENTS: u64 = 100;

criterion_group!(micro, scan, envelope, routing, sse, names, conversion);
criterion_main!(micro);
