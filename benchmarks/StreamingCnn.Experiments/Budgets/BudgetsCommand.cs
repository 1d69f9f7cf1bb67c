using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Budgets;

/// <summary><c>budgets</c>: whether steps keep to their budgets in resident memory, for random networks, sizes and budgets.</summary>
internal static class BudgetsCommand
{
    /// <summary>The command of the processes that run the cases.</summary>
    public const string CasesName = "budget-cases";

    public static Command Create()
    {
        var csv = new Argument<string>("csv") { Description = "File for what came out. What it holds already is not run again." };
        var cases = CommonOptions.Number("--cases", "How many networks, sizes and budgets.", 1000, 1);
        var first = CommonOptions.Number("--first", "Number of the first; each number is a case of its own.", 0, 0);
        var side = CommonOptions.Number("--side", "Sides of images are mostly below this, in pixels.", 900, 128);
        var parallel = CommonOptions.Number("--parallel", "Processes at once.", 1, 1);
        var each = CommonOptions.Number(
            "--each", "Cases that a process runs in turn; what breaks its budget there is run again in a process of its own.", 8, 1);
        var command = new Command("budgets", "Run steps within memory budgets and measure their resident memory.")
        {
            csv, cases, first, side, parallel, each,
        };
        command.SetAction(parsed =>
        {
            var run = new BudgetRun(parsed.GetRequiredValue(csv), parsed.GetValue(side), parsed.GetValue(each));
            run.Run(parsed.GetValue(first), parsed.GetValue(cases), parsed.GetValue(parallel));
            Console.WriteLine(run.Summary());
            return run.Bad.Count == 0 ? 0 : 1;
        });
        return command;
    }

    /// <summary>The command that a process of its own runs.</summary>
    public static Command CreateCases()
    {
        var side = new Argument<int>("side");
        var numbers = new Argument<int[]>("numbers");
        var command = new Command(CasesName, "Run cases in this process.") { side, numbers };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            set_num_threads(1);
            var process = new BudgetProcess();
            foreach (var number in parsed.GetRequiredValue(numbers))
            {
                Console.WriteLine(process.Run(BudgetCase.Draw(number, parsed.GetValue(side))).ToCsv());
                Console.Out.Flush();
            }
        });
        return command;
    }
}
