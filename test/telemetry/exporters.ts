/** A real SDK whose exporters keep what they are given. */
import { metrics, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { onTestFinished } from 'vitest';

export interface Point {
  readonly name: string;
  readonly unit: string;
  readonly kind: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Of a counter. */
  readonly value: number;
  /** Of a histogram. */
  readonly count: number;
  readonly sum: number;
}

export interface Exporters {
  readonly spans: () => readonly ReadableSpan[];
  readonly points: () => Promise<readonly Point[]>;
}

/** Registers the SDK as an application does, until the test ends. */
export function startSdk(): Exporters {
  const spanExporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] }),
  );
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  onTestFinished(async () => {
    trace.disable();
    metrics.disable();
    await provider.shutdown();
  });
  return {
    spans: () => spanExporter.getFinishedSpans(),
    async points() {
      await provider.forceFlush();
      const last = metricExporter.getMetrics().at(-1);
      return (last?.scopeMetrics ?? []).flatMap((scope) => scope.metrics.flatMap(pointsOf));
    },
  };
}

type Metric = ReturnType<
  InMemoryMetricExporter['getMetrics']
>[number]['scopeMetrics'][number]['metrics'][number];

function pointsOf({ descriptor, dataPoints }: Metric): Point[] {
  return dataPoints.map(({ attributes, value }) => ({
    name: descriptor.name,
    unit: descriptor.unit,
    kind: typeof value === 'number' ? 'counter' : 'histogram',
    attributes,
    value: typeof value === 'number' ? value : Number.NaN,
    count: (value as Histogram).count ?? Number.NaN,
    sum: (value as Histogram).sum ?? Number.NaN,
  }));
}
