namespace StreamingCnn.Training;

/// <summary>How the learning rate changes over the updates.</summary>
public enum LearningRateSchedule
{
    /// <summary>Stays as it is.</summary>
    Constant,

    /// <summary>Falls to 0 along half a cosine (Loshchilov and Hutter, "SGDR", 2017, without restarts).</summary>
    Cosine,

    /// <summary>A tenth after half of the updates, a hundredth after three quarters.</summary>
    Step,
}

/// <summary>Pure arithmetic of the schedules: a resumed run needs no state for them.</summary>
internal static class LearningRateSchedules
{
    /// <summary>Factor of the learning rate for one update.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="update">The update, from 0.</param>
    /// <param name="updates">All updates of the run.</param>
    /// <param name="warmUp">Updates at the start in which the rate rises linearly; the schedule begins after them.</param>
    public static double Factor(LearningRateSchedule schedule, long update, long updates, long warmUp)
    {
        if (update < warmUp)
            return (update + 1.0) / (warmUp + 1.0);
        var progress = (double)(update - warmUp) / Math.Max(updates - warmUp, 1);
        return schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            LearningRateSchedule.Step => progress < 0.5 ? 1 : progress < 0.75 ? 0.1 : 0.01,
            _ => 1,
        };
    }
}
