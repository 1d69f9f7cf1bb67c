using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// Small parts that run often, measured by BenchmarkDotNet:
//   dotnet run -c Release --project benchmarks/StreamingCnn.Microbenchmarks -- --filter "*"
// Within this process: a project that is generated elsewhere would not find the native libraries.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(
    args, DefaultConfig.Instance.AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
