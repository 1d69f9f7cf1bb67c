using System.Diagnostics;
using System.Globalization;

namespace StreamingCnn.Attacks.Tests.Running;

/// <summary>
/// The process that reads damaged files. It says what it is about to read before it does, so that whoever started it
/// knows what it died of.
/// </summary>
internal static class Worker
{
    public const string Name = "attack-worker";

    // Far above what a sound file of a megabyte takes, far below what hurts. The time is the processor's, since machines may be busy.
    private const double MostSeconds = 15;
    private const long MostBytes = 160L << 20;
    private const int LongestMessage = 1000;

    /// <summary>Reads the files of one target.</summary>
    /// <param name="arguments">Target, seed, number of the first file, number of damaged files, folder for files.</param>
    public static int Run(string[] arguments)
    {
        var target = Targets.All.Single(target => target.Name == arguments[0]);
        var (seed, first) = (Number(arguments[1]), Number(arguments[2]));
        var samples = target.Samples();
        var end = samples.Count + Number(arguments[3]);
        var output = Console.Out;
        Console.SetOut(TextWriter.Null);
        for (var number = first; number < end; number++)
        {
            var (name, bytes) = Make(samples, seed, number);
            var path = Path.Combine(arguments[4], $"{number}{Path.GetExtension(name)}");
            File.WriteAllBytes(path, bytes);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number} {name}"));
            output.Flush();
            if (Read(target, path) is { } problem)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"! {number} {name}: {problem.ReplaceLineEndings(" / ")}"));
                output.Flush();
            }
            else
                File.Delete(path);
        }

        output.WriteLine("done");
        output.Flush();
        return 0;

        static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>The file of a number: those that are harmful as they are first, then the sound ones, then damaged ones.</summary>
    private static (string Name, byte[] Bytes) Make(IReadOnlyList<Sample> samples, int seed, int number)
    {
        var sound = samples.Where(sample => !sample.IsHarmful).ToArray();
        var asTheyAre = samples.Where(sample => sample.IsHarmful).Concat(sound).ToArray();
        if (number < asTheyAre.Length)
            return (asTheyAre[number].Name, asTheyAre[number].File(asTheyAre[number].Bytes));
        var random = new Random(unchecked((seed * 1_000_003) + number));
        var sample = sound[random.Next(sound.Length)];
        return (sample.Name, sample.File(Mutation.Of(sample.Bytes, sound[random.Next(sound.Length)].Bytes, random)));
    }

    /// <summary>Reads a file.</summary>
    /// <returns>What is wrong with how it ended; null for nothing.</returns>
    private static string? Read(Target target, string path)
    {
        var memory = new MemoryPeak();
        var before = Environment.CpuUsage.TotalTime;
        string? problem = null;
        try
        {
            target.Read(path);
        }
        catch (Exception failure) when (target.Refusals.Any(refusal => refusal.IsInstanceOfType(failure)))
        {
            problem = Message(failure);
        }
        catch (Exception failure)
        {
            var calls = failure.StackTrace?.Split('\n');
            var place = calls?.FirstOrDefault(line => line.Contains("StreamingCnn", StringComparison.Ordinal))?.Trim();
            problem = $"{failure.GetType().Name}, {failure.Message} {place}";
        }

        var (seconds, bytes) = ((Environment.CpuUsage.TotalTime - before).TotalSeconds, memory.Growth);
        return problem
            ?? (seconds > MostSeconds ? string.Create(CultureInfo.InvariantCulture, $"took {seconds:0.0} s") : null)
            ?? (bytes > MostBytes ? string.Create(CultureInfo.InvariantCulture, $"took {bytes >> 20} MiB") : null);
    }

    /// <summary>What is wrong with a message. Sets of data name all that is wrong with them, a line each.</summary>
    private static string? Message(Exception failure)
    {
        if (failure is Imaging.DataSets.DataSetException)
            return null;
        var message = failure.Message;
        return message.Length == 0 || message.Length > LongestMessage || !message.EndsWith('.') || message.Any(char.IsControl)
            ? $"is no short sentence: {failure.GetType().Name}, {message}"
            : null;
    }

    /// <summary>How much more memory than before a process has had at once.</summary>
    private sealed class MemoryPeak
    {
        private readonly long before = Reset();

        public long Growth => Status("VmHWM:") - before;

        private static long Reset()
        {
            if (OperatingSystem.IsLinux())
                File.WriteAllText("/proc/self/clear_refs", "5");
            return Status("VmRSS:");
        }

        private static long Status(string name)
        {
            if (!OperatingSystem.IsLinux())
                return Process.GetCurrentProcess().WorkingSet64;
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
            return line is null
                ? 0
                : long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) << 10;
        }
    }
}
