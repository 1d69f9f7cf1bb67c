using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Cli;

/// <summary>Turns whatever goes wrong into one sentence for a person, and an exit code.</summary>
internal static class ErrorBoundary
{
    private const string DebugVariable = "SCNN_DEBUG";

    public static int Run(Func<int> command, Job job)
    {
        try
        {
            return command();
        }
        catch (Exception failure) when (Environment.GetEnvironmentVariable(DebugVariable) is null)
        {
            job.Fail(Printable.Of(Sentence(failure)));
            return Program.Failure;
        }
    }

    /// <summary>The first line that says something: libtorch appends its own call stack, and tasks wrap what happened inside.</summary>
    private static string Sentence(Exception failure)
    {
        var cause = failure is AggregateException or TypeInitializationException && failure.InnerException is not null
            ? failure.InnerException
            : failure;
        for (var inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (MemoryShortage.Sentence(inner) is { } shortage)
                return shortage;
        }

        var line = cause.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault();
        return cause switch
        {
            // All that is wrong with a data set, a line each: nobody wants to mend it mistake by mistake.
            DataSetException => cause.Message,
            _ when string.IsNullOrEmpty(line) => $"{cause.GetType().Name}; set {DebugVariable}=1 to see where.",
            _ => line,
        };
    }
}
