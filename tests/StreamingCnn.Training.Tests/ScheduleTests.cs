namespace StreamingCnn.Training.Tests;

public class ScheduleTests
{
    [Fact]
    public void The_rate_rises_linearly_in_the_warm_up()
    {
        var options = new TrainingOptions { WarmUp = 3 };

        Assert.Equal(
            [0.25, 0.5, 0.75, 1, 1], Enumerable.Range(0, 5).Select(update => LearningRateSchedules.Factor(options, update, 10, [])));
    }

    [Theory]
    [InlineData(LearningRateSchedule.Constant, new[] { 1.0, 1, 1, 1 })]
    [InlineData(LearningRateSchedule.Cosine, new[] { 1, 0.853553, 0.5, 0.146447 })]
    [InlineData(LearningRateSchedule.Step, new[] { 1, 1, 0.1, 0.01 })]
    public void Schedules_follow_their_definition(LearningRateSchedule schedule, double[] atQuarters)
    {
        var options = new TrainingOptions { Schedule = schedule };

        for (var quarter = 0; quarter < 4; quarter++)
            Assert.Equal(atQuarters[quarter], LearningRateSchedules.Factor(options, 25 * quarter, 100, []), 1e-6);
    }

    [Theory]
    [InlineData(new double[] { }, 1)]
    [InlineData(new double[] { 3, 2, 1 }, 1)]
    [InlineData(new double[] { 3, 3, 3 }, 0.1)]
    [InlineData(new double[] { 3, 3, 2, 2, 2 }, 0.1)]
    [InlineData(new double[] { 3, 3, 3, 3, 3 }, 0.01)]
    public void A_plateau_lowers_the_rate(double[] losses, double factor)
    {
        var options = new TrainingOptions { Schedule = LearningRateSchedule.Plateau, PlateauEpochs = 2 };

        Assert.Equal(factor, LearningRateSchedules.Factor(options, 50, 100, losses), 1e-12);
    }
}
