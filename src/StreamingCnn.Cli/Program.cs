using System.CommandLine;
using StreamingCnn.Cli.Commands;
using StreamingCnn.Cli.Input;

namespace StreamingCnn.Cli;

/// <summary>The program <c>scnn</c>: a thin shell over the libraries, one file per command.</summary>
internal static class Program
{
    /// <summary>Exit code when the command did its work and the answer is good.</summary>
    public const int Success = 0;

    /// <summary>Exit code when the command did its work and the answer is not good (<c>verify</c>: FAIL).</summary>
    public const int Negative = 1;

    /// <summary>Exit code when the command could not do its work.</summary>
    public const int Failure = 2;

    /// <summary>Exit code when a person stopped the command, as shells have it.</summary>
    public const int Interrupted = 130;

    public static int Main(string[] args)
    {
        MachineSpeed.Measuring += (_, _) => Console.Error.WriteLine("Measuring this machine once, which takes two seconds.");
        return Run(args, Console.Error);
    }

    /// <summary>Runs the program.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="errors">Where complaints go: one sentence each.</param>
    public static int Run(string[] args, TextWriter errors)
    {
        // From the start: loading the libraries takes a moment as well.
        using var interruption = new Interruption("Stopped.");
        var job = new Job(errors);
        var parsed = CreateRoot(errors, interruption, job).Parse(args);
        if (CommandLineProblem.Find(parsed) is { } problem)
        {
            errors.WriteLine($"error: {problem}");
            return Failure;
        }

        return ErrorBoundary.Run(
            () =>
            {
                // Help needs no native library, and is what somebody asks for who has not got it yet.
                var command = parsed.CommandResult.Command;
                if (parsed.Action == command.Action)
                {
                    if (command is AnnouncedCommand { IsShared: true })
                        job.Start();
                    interruption.IsSilent = !job.IsFirst;
                    if (job.IsFirst)
                        (command as AnnouncedCommand)?.Announce(parsed);
                    NativeCompatibility.Ensure();
                }
                else
                {
                    command.Options.OfType<IDefaultText>().ToList().ForEach(option => option.LeaveDefaultToDescription());
                }

                var code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
                job.End();
                return code;
            },
            job);
    }

    /// <summary>The program's commands.</summary>
    /// <param name="errors">Where complaints go.</param>
    /// <param name="interruption">Listens for a person who stops the program.</param>
    /// <param name="job">The processes that do it together.</param>
    public static RootCommand CreateRoot(TextWriter errors, Interruption interruption, Job job) =>
        new("Train and run convolutional networks on images of any size, tile by tile, with the gradients of the whole image.")
        {
            TrainCommand.Create(interruption, job),
            EvaluateCommand.Create(job),
            PredictCommand.Create(errors, interruption, job),
            ExportCommand.Create(),
            VerifyCommand.Create(),
            PlanCommand.Create(),
            BenchCommand.Create(),
            BenchCommand.CreateStep(),
            InfoCommand.Create(),
            GenerateCommand.Create(),
            SaliencyCommand.Create(job),
            ViewCommand.Create(errors, interruption),
            SplitCommand.Create(),
            CompareCommand.Create(),
            FeaturesCommand.Create(errors, interruption, job),
        };
}
