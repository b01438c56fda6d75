"""Sends log records with OpenTelemetry's SDK for Python, in protobuf: `python send.py COUNT`.

The standard variables OTEL_EXPORTER_OTLP_* say where to and with which headers.
"""
import logging
import sys

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

provider = LoggerProvider(resource=Resource.create({"service.name": "python"}))
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
logger = logging.getLogger("shop.cart")
logger.setLevel(logging.INFO)
for n in range(int(sys.argv[1])):
    if n % 2:
        try:
            {}["missing"]
        except KeyError:
            logger.exception("order %d of python", n)
    else:
        logger.info("order %d of python", n)
provider.force_flush()
provider.shutdown()
