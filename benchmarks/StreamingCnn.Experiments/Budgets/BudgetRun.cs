using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace StreamingCnn.Experiments.Budgets;

/// <summary>Runs cases in processes and writes down what comes out, case by case, so that a run that was stopped goes on.</summary>
/// <param name="csv">The file.</param>
/// <param name="largestSide">Sides of images are mostly below this.</param>
/// <param name="each">Cases for each process.</param>
internal sealed class BudgetRun(string csv, int largestSide, int each)
{
    private const double Mebibyte = 1 << 20;

    private readonly Lock gate = new();
    private readonly SortedDictionary<int, BudgetResult> results = new(
        (File.Exists(csv) ? File.ReadLines(csv).Skip(1).Select(BudgetResult.FromCsv) : []).ToDictionary(result => result.Case.Number));

    /// <summary>What is wrong.</summary>
    public IReadOnlyList<BudgetResult> Bad => [.. results.Values.Where(result => result.IsBad)];

    /// <summary>Runs what is missing.</summary>
    public void Run(int first, int count, int parallel)
    {
        if (!File.Exists(csv))
            File.WriteAllText(csv, BudgetResult.Header + "\n");
        var missing = Enumerable.Range(first, count).Where(number => !results.ContainsKey(number)).ToArray();
        // Small ones first, so that what they leave behind is little beside what comes later.
        var batches = missing.Chunk(each).Select(batch => batch.OrderBy(Pixels).ToArray());
        var clock = Stopwatch.StartNew();
        var done = 0;
        Parallel.ForEach(batches, new ParallelOptions { MaxDegreeOfParallelism = parallel }, batch =>
        {
            for (var left = batch; left.Length > 0;)
            {
                foreach (var result in InProcess(left))
                {
                    left = left[1..];
                    // What earlier cases have left behind is not the step's.
                    var final = result is { IsOver: true, IsFirst: false } ? InProcess([result.Case.Number]).Single() : result;
                    Add(final);
                    var passed = Interlocked.Increment(ref done);
                    var rest = clock.Elapsed / passed * (missing.Length - passed);
                    Console.Error.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"{passed}/{missing.Length}  {Text(final)}; about {rest:hh\\:mm\\:ss} left"));
                }
            }
        });
    }

    /// <summary>What came out, in a few lines.</summary>
    public string Summary()
    {
        var text = new StringBuilder();
        double[] ran = [.. results.Values.Where(result => result.Budget > 0).Select(result => result.Ratio).Order()];
        text.Append(CultureInfo.InvariantCulture, $"{results.Count} cases: ");
        text.AppendJoin(", ", results.Values.GroupBy(result => result.Outcome).Select(group => $"{group.Count()} {group.Key}"));
        if (ran.Length > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"; taken of the budget: median {ran[ran.Length / 2]:0.00}, most {ran[^1]:0.000}");
            text.Append(CultureInfo.InvariantCulture, $"; longest answer {results.Values.Max(result => result.PlanSeconds):0.0} s");
        }

        text.Append(CultureInfo.InvariantCulture, $"; {Bad.Count} wrong");
        foreach (var bad in Bad.OrderByDescending(result => result.Ratio))
            text.AppendLine().Append(Text(bad));
        return text.ToString();
    }

    private static string Text(BudgetResult result)
    {
        var c = result.Case;
        var verdict = result.IsBad ? "WRONG " : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{verdict}{c.Number}: {c.Network}, {c.Height} x {c.Width}, {c.Mode}, carry {c.Carry}: {result.Outcome}, "
            + $"{result.Taken / Mebibyte:0.0} of {result.Budget / Mebibyte:0.0} MiB, planned {result.Planned / Mebibyte:0.0}, "
            + $"{result.PlanSeconds:0.0} s to plan {result.Problem}");
    }

    private long Pixels(int number)
    {
        var drawn = BudgetCase.Draw(number, largestSide);
        return (long)drawn.Height * drawn.Width;
    }

    private void Add(BudgetResult result)
    {
        lock (gate)
        {
            results[result.Case.Number] = result;
            File.AppendAllText(csv, result.ToCsv() + "\n");
        }
    }

    /// <summary>Runs cases in a new process and tells of each when it is done; if it dies, the last is what it died of.</summary>
    private IEnumerable<BudgetResult> InProcess(int[] numbers)
    {
        IEnumerable<string> arguments =
        [
            typeof(BudgetRun).Assembly.Location, BudgetsCommand.CasesName,
            .. numbers.Prepend(largestSide).Select(number => number.ToString(CultureInfo.InvariantCulture)),
        ];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var finished = 0;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            finished++;
            yield return BudgetResult.FromCsv(line);
        }

        process.WaitForExit();
        if (finished == numbers.Length)
            yield break;
        var reason = errors.Result.Split('\n')[0].Replace(';', ',');
        yield return new(
            BudgetCase.Draw(numbers[finished], largestSide), "died", 0, 0, 0, 0, 0, finished == 0,
            string.Create(CultureInfo.InvariantCulture, $"exit code {process.ExitCode}: {reason}"));
    }
}
