// Sends log records with OpenTelemetry's SDK for Node: `node send.mjs json|protobuf COUNT`, from a folder with its packages.
// The standard variables OTEL_EXPORTER_OTLP_* say where to and with which headers.
import { createRequire } from 'node:module';
const require = createRequire(process.cwd() + '/');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const [, , kind, count] = process.argv;
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind === 'json' ? 'http' : 'proto'}`);
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ 'service.name': `node-${kind}` }),
  processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter() })],
});
const logger = provider.getLogger('shop.cart');
for (let n = 0; n < Number(count); n += 1) {
  logger.emit({
    severityNumber: n % 2 ? SeverityNumber.ERROR : SeverityNumber.INFO,
    severityText: n % 2 ? 'ERROR' : 'INFO',
    body: `order ${n} of node`,
    attributes: { 'url.path': '/cart', n, list: ['a', 1n] .map(String) },
  });
}
await provider.forceFlush();
await provider.shutdown();
