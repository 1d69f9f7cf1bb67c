using System.Runtime.InteropServices;
using TorchSharp;

namespace StreamingCnn.Execution.Machine;

/// <summary>What the speed of a machine hangs on, as far as it can be told.</summary>
/// <param name="Processor">The processor's model, and how many of them the process may use.</param>
/// <param name="Threads">Threads of the computation.</param>
/// <param name="Libraries">Versions of what computes and of what measures.</param>
internal sealed record ThisMachine(string Processor, int Threads, string Libraries)
{
    private const string ProcessorFile = "/proc/cpuinfo";

    // As Linux calls the model: x86, then others. Where there are several lines, all processors are taken to be alike.
    private static readonly string[] ModelKeys = ["model name", "CPU part", "cpu model", "uarch", "cpu"];

    /// <summary>This machine.</summary>
    /// <param name="threads">Threads of the computation.</param>
    public static ThisMachine With(int threads) => new(
        $"{Model() ?? "unknown"}, {RuntimeInformation.ProcessArchitecture}, {Environment.ProcessorCount} processors",
        threads,
        $"StreamingCnn {typeof(ThisMachine).Assembly.GetName().Version}, libtorch {torch.__version__}");

    private static string? Model()
    {
        if (!OperatingSystem.IsLinux())
            return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");
        try
        {
            var lines = File.ReadLines(ProcessorFile).Take(100).Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2)
                .ToLookup(parts => parts[0].Trim(), parts => parts[1].Trim());
            return ModelKeys.Select(key => lines[key].FirstOrDefault()).FirstOrDefault(model => !string.IsNullOrEmpty(model));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
