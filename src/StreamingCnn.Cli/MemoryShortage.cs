using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Cli;

/// <summary>Recognises that memory ran out, in the words of whoever noticed it: libtorch, oneDNN, the C++ library, .NET.</summary>
internal static partial class MemoryShortage
{
    private const string LimitLine = "Max address space";

    private static readonly string[] Words =
    [
        "can't allocate memory", "Cannot allocate memory", "std::bad_alloc", "not enough memory", "out of memory",
        "could not create a memory object",
    ];

    /// <summary>One sentence with advice.</summary>
    /// <returns>Null where something else went wrong; also where the planner has refused a budget, which has advice of its own.</returns>
    public static string? Sentence(Exception cause)
    {
        if (cause is InsufficientMemoryException)
            return null;
        if (cause is not OutOfMemoryException && !Words.Any(word => cause.Message.Contains(word, StringComparison.OrdinalIgnoreCase)))
            return null;
        var limit = AddressLimit() is { } bytes ? $", and this process may take {Text(bytes)} of addresses (ulimit -v) and no more" : "";
        var asked = Asked().Match(cause.Message) is { Success: true } match
            && long.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var size)
            ? $" where {Text(size)} more are needed"
            : "";
        return $"The memory is used up{asked}{limit}; "
            + "give a smaller --memory or --tile, let the carry wait on disk by --carry file, or end what else takes memory.";
    }

    private static string Text(long bytes) => bytes >= 1L << 30
        ? FormattableString.Invariant($"{bytes / (double)(1L << 30):0.0} GiB")
        : FormattableString.Invariant($"{Math.Ceiling(bytes / (double)(1 << 20)):0} MiB");

    private static long? AddressLimit()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        var line = File.ReadLines("/proc/self/limits")
            .FirstOrDefault(line => line.StartsWith(LimitLine, StringComparison.Ordinal)) ?? LimitLine;
        var current = line[LimitLine.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(current, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
    }

    [GeneratedRegex(@"tried to allocate (\d+) bytes")]
    private static partial Regex Asked();
}
