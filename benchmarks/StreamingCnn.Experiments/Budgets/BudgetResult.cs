using System.Globalization;

namespace StreamingCnn.Experiments.Budgets;

/// <summary>What came out of a case.</summary>
/// <param name="Case">The case.</param>
/// <param name="Outcome">"ran"; "refused", the smallest budget was named and ran; "too small", images of this size are refused.</param>
/// <param name="Budget">The budget in bytes that the step ran with.</param>
/// <param name="Planned">Bytes that the plan says.</param>
/// <param name="Taken">Peak of resident memory above process and image.</param>
/// <param name="PlanSeconds">Processor time of the longest answer of the planner.</param>
/// <param name="StepSeconds">Time of the step.</param>
/// <param name="IsFirst">Whether the process has run nothing before.</param>
/// <param name="Problem">What is wrong besides memory; empty for nothing.</param>
internal sealed record BudgetResult(
    BudgetCase Case, string Outcome, long Budget, long Planned, long Taken,
    double PlanSeconds, double StepSeconds, bool IsFirst, string Problem)
{
    /// <summary>What a step may take above its budget.</summary>
    public const double Excess = 0.05;

    /// <summary>What an answer may take.</summary>
    public const double MostPlanSeconds = 10;

    /// <summary>Names of the columns.</summary>
    public const string Header =
        "number;network;height;width;mode;carry;share;outcome;budget;planned;taken;taken/budget;plan seconds;step seconds;first;problem";

    /// <summary>What the step took, as a share of its budget.</summary>
    public double Ratio => Budget == 0 ? 0 : (double)Taken / Budget;

    /// <summary>Whether the step took more than it may.</summary>
    public bool IsOver => Ratio > 1 + Excess;

    /// <summary>Whether anything is wrong.</summary>
    public bool IsBad => IsOver || PlanSeconds > MostPlanSeconds || Problem.Length > 0;

    public string ToCsv() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Case.Number};{Case.Network};{Case.Height};{Case.Width};{Case.Mode};{Case.Carry};{Case.Share:0.####};{Outcome};"
        + $"{Budget};{Planned};{Taken};{Ratio:0.###};{PlanSeconds:0.00};{StepSeconds:0.00};{IsFirst};{Problem}");

    public static BudgetResult FromCsv(string line)
    {
        var cells = line.Split(';');
        return new(
            new(
                (int)Whole(0), cells[1], (int)Whole(2), (int)Whole(3), Enum.Parse<StreamingMode>(cells[4]),
                Enum.Parse<CarryPlace>(cells[5]), Number(6)),
            cells[7], Whole(8), Whole(9), Whole(10), Number(12), Number(13), bool.Parse(cells[14]), cells[15]);

        long Whole(int cell) => long.Parse(cells[cell], CultureInfo.InvariantCulture);

        double Number(int cell) => double.Parse(cells[cell], CultureInfo.InvariantCulture);
    }
}
