using System.CommandLine;
using StreamingCnn.Experiments.Budgets;
using StreamingCnn.Experiments.Curves;
using StreamingCnn.Experiments.Ladder;
using StreamingCnn.Experiments.Maps;
using StreamingCnn.Experiments.Needles;
using StreamingCnn.Experiments.Resolution;
using StreamingCnn.Experiments.Steps;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training;

// The experiments of docs/experiments.md, each one command.
var root = new RootCommand("Experiments with real and with generated images; docs/experiments.md says what came out.")
{
    BudgetsCommand.Create(), BudgetsCommand.CreateCases(),
    CompareCommand.Create(), CurvesCommand.Create(), LadderCommand.Create(), MapsCommand.Create(), NeedlesCommand.Create(),
    ResolutionCommand.Create(), RetouchCommand.Create(), StepCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception failure)
    when (failure is DataSetException or ImageFormatException or TrainingException or IOException or InvalidDataException
        or ArgumentException or FormatException)
{
    Console.Error.WriteLine($"error: {failure.Message}");
    return 2;
}
