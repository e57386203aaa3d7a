"""The gRPC services BigQueryRead and BigQueryWrite: messages in, messages out, errors as gRPC statuses."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1 import types
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from . import storage_read, tables, write_streams
from .errors import as_bigquery_error, invalid
from .proto_rows import BadRowsError, ProtoRows, arrow_rows
from .schema import Field, mode
from .state import State
from .write_streams import Stream, StreamError

_log = logging.getLogger(__name__)
_PACKAGE = "google.cloud.bigquery.storage.v1"
# Streams of Spark tasks stay open while the task runs; each holds a thread.
_THREADS = 256
_MESSAGE_BYTES = 64 << 20
_REST_TO_STORAGE = {"INTEGER": "INT64", "FLOAT": "DOUBLE", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def serve(state: State, token: str) -> tuple[grpc.Server, int]:
    size = [("grpc.max_send_message_length", _MESSAGE_BYTES), ("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    server = grpc.server(
        ThreadPoolExecutor(_THREADS), interceptors=[_Guard(token)], options=[*size, ("grpc.so_reuseport", 0)]
    )
    server.add_generic_rpc_handlers([_read_service(state), _write_service(state)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


class _Guard(grpc.ServerInterceptor):
    """Only the cloud that started this engine may call it."""

    def __init__(self, token: str) -> None:
        self._expected = f"Bearer {token}"

        def refuse(_: Any, context: grpc.ServicerContext) -> Any:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "This engine answers its own cloud only.")

        self._refusal = grpc.unary_unary_rpc_method_handler(refuse)

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        given = dict(details.invocation_metadata).get("authorization", "")
        return continuation(details) if hmac.compare_digest(str(given), self._expected) else self._refusal


def _principal(context: grpc.ServicerContext) -> str:
    return str(dict(context.invocation_metadata()).get("x-sparklab-principal", ""))


def _answered(work: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return work(request, context)
        except Exception as thrown:
            _abort(context, thrown)

    return answer


def _abort(context: grpc.ServicerContext, thrown: Exception) -> None:
    error = as_bigquery_error(thrown)
    if error.reason == "internalError":
        _log.exception("storage call failed", exc_info=thrown)
    context.abort(error.grpc_code(), error.message)


def _unary(work: Any, request: Any, response: Any) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(_answered(work), request.deserialize, response.serialize)


def _read_service(state: State) -> grpc.GenericRpcHandler:
    def rows(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from storage_read.read_rows(state, request, context)
        except Exception as thrown:
            _abort(context, thrown)

    session, split = types.CreateReadSessionRequest, types.SplitReadStreamRequest
    return grpc.method_handlers_generic_handler(
        f"{_PACKAGE}.BigQueryRead",
        {
            "CreateReadSession": _unary(
                lambda r, c: storage_read.create_session(state, r, _principal(c)), session, types.ReadSession
            ),
            "ReadRows": grpc.unary_stream_rpc_method_handler(
                rows, types.ReadRowsRequest.deserialize, types.ReadRowsResponse.serialize
            ),
            "SplitReadStream": _unary(
                lambda r, _: storage_read.split_stream(state, r), split, types.SplitReadStreamResponse
            ),
        },
    )


def _write_service(state: State) -> grpc.GenericRpcHandler:
    def create(request: Any, _: Any) -> Any:
        kind = types.WriteStream.Type(request.write_stream.type_).name
        return _described(state, write_streams.create(state, request.parent, kind))

    def get(request: Any, _: Any) -> Any:
        with state.database.reading():
            stream = write_streams.find(state, request.name)
        return _described(state, stream)

    def finalize(request: Any, _: Any) -> Any:
        return types.FinalizeWriteStreamResponse(row_count=write_streams.finalize(state, request.name))

    def flush(request: Any, _: Any) -> Any:
        return types.FlushRowsResponse(
            offset=write_streams.flush(state, request.write_stream, int(request.offset or 0))
        )

    def commit(request: Any, _: Any) -> Any:
        problems = write_streams.commit(state, request.parent, list(request.write_streams))
        if not problems:
            return types.BatchCommitWriteStreamsResponse(commit_time=_now())
        errors = [_storage_error(code, entity, message) for code, entity, message in problems]
        return types.BatchCommitWriteStreamsResponse(stream_errors=errors)

    return grpc.method_handlers_generic_handler(
        f"{_PACKAGE}.BigQueryWrite",
        {
            "CreateWriteStream": _unary(create, types.CreateWriteStreamRequest, types.WriteStream),
            "GetWriteStream": _unary(get, types.GetWriteStreamRequest, types.WriteStream),
            "FinalizeWriteStream": _unary(
                finalize, types.FinalizeWriteStreamRequest, types.FinalizeWriteStreamResponse
            ),
            "FlushRows": _unary(flush, types.FlushRowsRequest, types.FlushRowsResponse),
            "BatchCommitWriteStreams": _unary(
                commit, types.BatchCommitWriteStreamsRequest, types.BatchCommitWriteStreamsResponse
            ),
            "AppendRows": grpc.stream_stream_rpc_method_handler(
                lambda requests, context: _append(state, requests, context),
                types.AppendRowsRequest.deserialize,
                types.AppendRowsResponse.serialize,
            ),
        },
    )


def _append(state: State, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
    """One connection: stream name and schema may be said once and hold until they are said anew."""
    name, fields, proto, schema = "", [], None, b""
    for request in requests:
        try:
            if request.write_stream and request.write_stream != name:
                name, proto, schema = request.write_stream, None, b""
                with state.database.reading():
                    fields = tables.fields(state, write_streams.find(state, name).ref)
            message = types.AppendRowsRequest.pb(request)
            if message.proto_rows.HasField("writer_schema"):
                proto = ProtoRows(message.proto_rows.writer_schema.proto_descriptor, fields)
            if message.arrow_rows.HasField("writer_schema"):
                schema = message.arrow_rows.writer_schema.serialized_schema
            rows = _rows(message, proto, schema, fields)
            offset = message.offset.value if message.HasField("offset") else None
            first = write_streams.append(state, name, fields, rows, offset)
            result = types.AppendRowsResponse.AppendResult(offset=first)
            yield types.AppendRowsResponse(append_result=result, write_stream=name)
        except (StreamError, BadRowsError) as error:
            yield _refusal(name, error)
        except Exception as thrown:
            _abort(context, thrown)


def _rows(message: Any, proto: ProtoRows | None, schema: bytes, fields: list[Field]) -> Any:
    if message.HasField("arrow_rows"):
        if not schema:
            raise invalid("arrow_rows.writer_schema must be set in the first request of a connection")
        return arrow_rows(schema, message.arrow_rows.rows.serialized_record_batch, fields)
    if proto is None:
        raise invalid("proto_rows.writer_schema must be set in the first request of a connection")
    return proto.table(message.proto_rows.rows.serialized_rows)


def _refusal(name: str, error: StreamError | BadRowsError) -> Any:
    if isinstance(error, BadRowsError):
        rows = [
            types.RowError(index=index, code=types.RowError.RowErrorCode.FIELDS_ERROR, message=text)
            for index, text in error.errors
        ]
        status = Status(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message=str(error))
        return types.AppendRowsResponse(error=status, row_errors=rows, write_stream=name)
    detail = AnyMessage()
    detail.Pack(types.StorageError.pb(_storage_error(error.code, name, str(error))))
    status = Status(code=grpc.StatusCode[error.status].value[0], message=str(error), details=[detail])
    return types.AppendRowsResponse(error=status, write_stream=name)


def _storage_error(code: str, entity: str, message: str) -> Any:
    return types.StorageError(code=types.StorageError.StorageErrorCode[code], entity=entity, error_message=message)


def _described(state: State, stream: Stream) -> Any:
    with state.database.reading():
        fields = tables.fields(state, stream.ref)
    # The default stream is of type COMMITTED to clients.
    kind = "COMMITTED" if stream.kind == "DEFAULT" else stream.kind
    return types.WriteStream(
        name=stream.name,
        type_=types.WriteStream.Type[kind],
        create_time=_now(),
        table_schema=types.TableSchema(fields=[_storage_field(f) for f in fields]),
        location=state.location,
    )


def _storage_field(field: Field) -> Any:
    return types.TableFieldSchema(
        name=field["name"],
        type_=types.TableFieldSchema.Type[_REST_TO_STORAGE.get(field["type"], field["type"])],
        mode=types.TableFieldSchema.Mode[mode(field)],
        fields=[_storage_field(f) for f in field.get("fields", [])],
        description=field.get("description", ""),
    )


def _now() -> Timestamp:
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp
